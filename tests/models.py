"""Models that were not trained, usual and unusual ones."""

import functools

import keras
import numpy as np
from keras import layers

import vae_nb

DENSE = dict(filters=(), hidden=(32,), activation="silu")
FOUR = dict(filters=(8, 12), kernel_size=4)


def built(shape, latents, likelihood="bernoulli", encoder=None, decoder=None):
    "A model that was not trained."
    kind = vae_nb.LIKELIHOODS[likelihood](seed=0)
    per_pixel = {"params_per_pixel": kind.params_per_pixel}
    return vae_nb.VAE(
        vae_nb.build_encoder(shape, latents, seed=0, **(encoder or DENSE)),
        vae_nb.build_decoder(shape, latents, seed=0, **per_pixel, **(decoder or DENSE)),
        kind,
    )


@functools.cache
def small(latents: int = 2) -> vae_nb.VAE:
    "A quick model, which several tests look at."
    return built((8, 8, 1), latents)


def residual() -> vae_nb.VAE:
    "A model of layers that build_encoder and build_decoder do not use."
    x = keras.Input((12, 10, 3))
    h = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)  # after the picture only
    h = layers.Conv2D(6, 3, padding="same", use_bias=False)(h)
    h = layers.Cropping2D(((0, 1), (0, 1)))(h)
    h = layers.BatchNormalization()(h)
    h = layers.Activation("gelu")(h)
    side = layers.Conv2D(6, 3, dilation_rate=2, padding="same", activation="elu")(h)
    h = layers.Add()([h, side])
    h = layers.Concatenate()(
        [
            layers.Conv2D(4, 2, strides=2)(h),
            layers.Conv2D(2, 2, strides=2, activation="tanh")(h),
        ]
    )
    h = layers.Flatten()(layers.Dropout(0.5)(h))
    mean, log_var = layers.Dense(2)(h), layers.Dense(2)(h)
    encoder = keras.Model(x, [mean, log_var, vae_nb.Sampling(0)([mean, log_var])])
    z = keras.Input((2,))
    h = layers.Reshape((5, 4, 3))(layers.Dense(60, activation="softplus")(z))
    h = layers.UpSampling2D()(h)
    gate = layers.Conv2D(3, 3, padding="same", activation="sigmoid")(h)
    h = layers.ZeroPadding2D(((1, 1), (1, 1)))(layers.Multiply()([h, gate]))
    decoder = keras.Model(z, layers.Conv2D(3, 1)(h))
    kinds = {type(layer): layer for layer in encoder.layers}
    norm = kinds[layers.BatchNormalization]
    norm.moving_mean.assign(np.linspace(-0.3, 0.2, 6))
    norm.moving_variance.assign(np.linspace(0.5, 2, 6))
    return vae_nb.VAE(encoder, decoder)


def blocks() -> vae_nb.VAE:
    "A decoder of residual blocks whose last kernels, at first 0, add something."
    refined = dict(filters=(6,), hidden=(16,), activation="silu", blocks=2)
    vae = built((13, 18, 3), 2, "discretized_logistic", FOUR, refined)
    rng = np.random.default_rng(0)
    for weight in vae.decoder.weights:
        if not np.any(weight):
            weight.assign(0.2 * rng.standard_normal(weight.shape))
    return vae


def namesakes() -> vae_nb.VAE:
    "An encoder and a decoder that have their name, and those of layers, in common."
    x = keras.Input((4, 4, 1))
    h = layers.Dense(3, activation="tanh", name="dense")(layers.Flatten()(x))
    mean, log_var = layers.Dense(1, name="a")(h), layers.Dense(1, name="b")(h)
    encoded = [mean, log_var, vae_nb.Sampling(0)([mean, log_var])]
    z = keras.Input((1,))
    h = layers.Dense(16, activation="elu", name="dense")(z)
    decoded = layers.Reshape((4, 4, 1))(layers.Dense(16, name="a")(h))
    return vae_nb.VAE(
        keras.Model(x, encoded, name="net"), keras.Model(z, decoded, name="net")
    )


class Odd(keras.layers.Layer):
    def call(self, x):
        return x


def odd_layer(layer) -> vae_nb.VAE:
    vae = small()
    decoder = keras.Model(vae.decoder.input, layer(vae.decoder.output))
    return vae_nb.VAE(vae.encoder, decoder)
