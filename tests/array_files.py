"""Files of arrays to try the readers on: one small, valid seed of every format."""

import gzip
import io
import struct
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 8, 8), dtype="uint8")
COLOUR = RNG.integers(0, 256, (6, 8, 8, 3), dtype="uint8")
LABELS = np.array([5, 0, 4, 1, 9, 2])
FLOATS = (IMAGES / 255).astype("float32")


def npy(array: Any) -> bytes:
    "An .npy file."
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    "An .npz file."
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def idx(array: np.ndarray) -> bytes:
    "An idx file of bytes."
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return head + array.astype("uint8").tobytes()


def table(
    images: np.ndarray = IMAGES,
    labels: Any = LABELS,  # none: no such column
    names: bool = True,  # a first row of them
    between: str = ",",
) -> str:
    "A table as Kaggle has MNIST: a label and the pixels of an image in each row."
    rows = images.reshape(len(images), -1).tolist()
    if labels is not None:
        rows = [[label, *row] for label, row in zip(labels, rows)]
    if names:
        pixels = [f"pixel{i}" for i in range(images[0].size)]
        rows.insert(0, ["label", *pixels] if labels is not None else pixels)
    return "".join(between.join(map(str, row)) + "\n" for row in rows)


def hdf5(**arrays: Any) -> bytes:
    "An HDF5 file; `__` in a name is a group."
    file = io.BytesIO()
    with h5py.File(file, "w") as tree:
        for name, array in arrays.items():
            tree[name.replace("__", "/")] = array
    return file.getvalue()


def packed_hdf5(**arrays: np.ndarray) -> bytes:
    "The same, compressed in chunks."
    file = io.BytesIO()
    with h5py.File(file, "w") as tree:
        for name, array in arrays.items():
            tree.create_dataset(name, data=array, chunks=True, compression="gzip")
    return file.getvalue()


def mat(packed: bool = False, **variables: Any) -> bytes:
    "A MATLAB file of version 5."
    file = io.BytesIO()
    scipy.io.savemat(file, variables, do_compression=packed)
    return file.getvalue()


def mat73(**variables: np.ndarray) -> bytes:
    "A MATLAB file of version 7.3: HDF5 behind a head, with the axes in reverse."
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.mat")
        with h5py.File(path, "w", userblock_size=512) as tree:
            for name, array in variables.items():
                tree[name] = array.T
        data = bytearray(path.read_bytes())
    data[:19] = b"MATLAB 7.3 MAT-file"
    return bytes(data)


def seeds() -> dict[str, bytes]:
    "A good file of each kind, by a name that says which."
    rows = IMAGES.reshape(6, -1)
    return {
        "bytes.npy": npy(IMAGES),
        "floats.npy": npy(FLOATS),
        "split.npz": npz(
            x_train=IMAGES, y_train=LABELS[:, None], x_test=IMAGES, y_test=LABELS
        ),
        "named.npz": npz(images=rows, labels=LABELS, class_names=list("abcdefghij")),
        "names.csv": table().encode(),
        "bare.csv": table(names=False, labels=None).encode(),
        "packed.csv.gz": gzip.compress(table().encode()),
        "train-images-idx3-ubyte": idx(IMAGES),
        "t10k-images-idx3-ubyte.gz": gzip.compress(idx(IMAGES)),
        "flat.h5": hdf5(train_set_x=COLOUR, train_set_y=LABELS, list_classes=[b"a"]),
        "groups.hdf5": hdf5(train__data=FLOATS, test__data=FLOATS),
        "packed.h5": packed_hdf5(images=IMAGES, labels=LABELS),
        "svhn.mat": mat(X=np.moveaxis(COLOUR, 0, 3), y=LABELS[:, None]),
        "struct.mat": mat(packed=True, dataset={"train": {"images": rows}}),
        "later.mat": mat73(X=np.moveaxis(COLOUR, 0, 3), y=LABELS[:, None]),
    }
