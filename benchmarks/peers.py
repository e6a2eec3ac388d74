"""The article's networks trained in one of several ways, which `throughput.py` steers.

    python benchmarks/peers.py ours   # or another name in PEERS

Reads how many batches of 64 to train on from its standard input, line by line, and
answers each with the loss. Every way has the same networks, RMSprop at 1e-3,
beta = 1/2 and float32, and shuffles 12,800 images.
"""

import os
import sys

import numpy as np

BATCH, IMAGES = 64, 12_800
# the work is the same whatever the pixels are
images = np.random.default_rng(0).random((IMAGES, 28, 28, 1), "float32")


def ours(**compile_options):
    "As `train` does it; with options, compiled anew with these."
    from vae_nb import RECIPES, Batches, build_vae

    vae = build_vae((28, 28, 1), RECIPES["article"], steps=1)
    if compile_options:
        vae.compile(vae.optimizer, **compile_options)

    def train(batches: int) -> float:
        work = Batches(images[: batches * BATCH], BATCH, seed=0)
        return vae.fit(work, shuffle=False, verbose=0).history["loss"][0]

    return train


def article_style():
    """Its way, in our words: a tape in train_step, three trackers, mean-reduced losses.

    `fit` on the float32 array, step by step.
    """
    import keras
    import tensorflow as tf

    from vae_nb import build_decoder, build_encoder

    class TapeVAE(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = build_encoder(seed=0), build_decoder(seed=0)
            names = "loss", "reconstruction_loss", "kl_loss"
            self.trackers = [keras.metrics.Mean(name=name) for name in names]

        def train_step(self, x):
            with tf.GradientTape() as tape:
                z_mean, z_log_var, z = self.encoder(x)
                probabilities = keras.ops.sigmoid(self.decoder(z))
                per_pixel = keras.losses.binary_crossentropy(x, probabilities)
                reconstruction = tf.reduce_mean(per_pixel) * 28 * 28
                kl = 1 + z_log_var - tf.square(z_mean) - tf.exp(z_log_var)
                kl = tf.reduce_mean(-0.5 * kl)
                loss = reconstruction + kl
            gradients = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
            for tracker, value in zip(self.trackers, (loss, reconstruction, kl)):
                tracker.update_state(value)
            return {tracker.name: tracker.result() for tracker in self.trackers}

    vae = TapeVAE()
    vae.compile(keras.optimizers.RMSprop(1e-3))

    def train(batches: int) -> float:
        some = images[: batches * BATCH]
        return vae.fit(some, batch_size=BATCH, verbose=0).history["loss"][0]

    return train


def pytorch(compiled: bool = False):
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.manual_seed(0)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            relu = nn.ReLU
            self.trunk = nn.Sequential(
                nn.Conv2d(1, 32, 3, 2, 1),
                relu(),
                nn.Conv2d(32, 64, 3, 2, 1),
                relu(),
                nn.Flatten(),
                nn.Linear(3136, 16),
                relu(),
            )
            self.z_mean, self.z_log_var = nn.Linear(16, 2), nn.Linear(16, 2)
            self.decoder = nn.Sequential(
                nn.Linear(2, 3136),
                relu(),
                nn.Unflatten(1, (64, 7, 7)),
                nn.ConvTranspose2d(64, 64, 3, 2, 1, 1),
                relu(),
                nn.ConvTranspose2d(64, 32, 3, 2, 1, 1),
                relu(),
                nn.ConvTranspose2d(32, 1, 3, 1, 1),
            )

        def forward(self, x):
            h = self.trunk(x)
            z_mean, z_log_var = self.z_mean(h), self.z_log_var(h)
            z = z_mean + torch.exp(0.5 * z_log_var) * torch.randn_like(z_mean)
            cross_entropy = F.binary_cross_entropy_with_logits
            reconstruction = cross_entropy(self.decoder(z), x, reduction="none")
            kl = 0.5 * (z_mean**2 + torch.exp(z_log_var) - 1 - z_log_var).sum(1)
            return (reconstruction.sum((1, 2, 3)) + 0.5 * kl).mean()

    net = Net().to(memory_format=torch.channels_last)
    optimizer = torch.optim.RMSprop(net.parameters(), 1e-3, alpha=0.9, eps=1e-7)
    loss_of = torch.compile(net) if compiled else net
    data = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())

    def train(batches: int) -> float:
        total = 0.0
        for chosen in torch.randperm(batches * BATCH).split(BATCH):
            optimizer.zero_grad()
            loss = loss_of(data[chosen])
            loss.backward()
            optimizer.step()
            total += loss.detach()
        return float(total) / batches

    return train


def keras_jax():
    os.environ["KERAS_BACKEND"] = "jax"
    return ours()


PEERS = {
    "ours": ours,
    "ours_step_by_step": lambda: ours(steps_per_execution=1),
    "ours_xla": lambda: ours(steps_per_execution=32, jit_compile=True),
    "article_style": article_style,
    "pytorch": pytorch,
    "pytorch_compiled": lambda: pytorch(True),
    "keras_jax": keras_jax,
}

if __name__ == "__main__":
    train = PEERS[sys.argv[1]]()
    for line in sys.stdin:
        print(train(int(line)), flush=True)
