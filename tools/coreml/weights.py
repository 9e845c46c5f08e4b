"""Reads the safetensors files that make_bert writes."""
import dataclasses
import json
import pathlib
import struct

import numpy as np

TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I32": np.int32}


@dataclasses.dataclass
class Weights:
    facts: dict  # the file's metadata: strings
    tensors: dict  # name to array

    @property
    def tokens(self) -> int:
        return int(self.facts["tokens"])

    @property
    def is_block(self) -> bool:
        """One block alone, of which x is the input."""
        return self.facts["part"] == "block"

    @property
    def model_dim(self) -> int:
        return self.tensors["wattline.answer"].shape[1]

    def number(self, name: str) -> float:
        return float(self.facts[name])


def read(path) -> Weights:
    """The layout is that of huggingface/safetensors, README."""
    data = memoryview(pathlib.Path(path).read_bytes())
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(bytes(data[8 : 8 + length]))
    facts = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] not in TYPES:
            raise ValueError(f"{path}: {name} is {entry['dtype']}; Core ML takes F16")
        begin, end = (8 + length + at for at in entry["data_offsets"])
        values = np.frombuffer(data[begin:end], TYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return Weights(facts, tensors)
