"""Reads a written package back: its program as coremltools' protocol buffers have it, its weights from
the bytes of weight.bin."""
import dataclasses
import pathlib
import struct

import coremltools as ct
import numpy as np
from coremltools import proto

MIL = proto.MIL_pb2
# A record of weight.bin (format 2): 64 bytes of which the first are a mark, the type, the length and the
# place of the data. coremltools, mlmodel/src/MILBlob/Blob/StorageFormat.hpp.
RECORD = struct.Struct("<IIQQ")
MARK = 0xDEADBEEF
BLOB_TYPES = {1: np.float16, 2: np.float32}
TYPES = {
    MIL.DataType.Value("FLOAT16"): np.float16,
    MIL.DataType.Value("FLOAT32"): np.float32,
    MIL.DataType.Value("INT32"): np.int32,
    MIL.DataType.Value("BOOL"): np.bool_,
    MIL.DataType.Value("STRING"): np.str_,
}


@dataclasses.dataclass
class Operation:
    kind: str
    inputs: dict  # name to the names of values, or to a value
    outputs: list  # names
    shapes: list  # of the outputs
    types: list


class Package:
    def __init__(self, path):
        spec = ct.models.MLModel(str(path), skip_model_load=True).get_spec()
        data = pathlib.Path(path) / "Data" / "com.apple.CoreML"
        self.blob = (data / "weights" / "weight.bin").read_bytes()
        self.description = spec.description
        self.version = spec.specificationVersion
        function = spec.mlProgram.functions["main"]
        block = function.block_specializations[function.opset]
        self.opset = function.opset
        self.outputs = list(block.outputs)
        self.constants = {}
        self.operations = []
        for op in block.operations:
            if op.type == "const":
                self.constants[op.outputs[0].name] = self.value(op.attributes["val"])
            else:
                self.operations.append(self.operation(op))

    def operation(self, op) -> Operation:
        inputs = {}
        for name, argument in op.inputs.items():
            found = [
                b.name if b.WhichOneof("binding") == "name" else self.value(b.value)
                for b in argument.arguments
            ]
            inputs[name] = found[0] if len(found) == 1 else found
        kinds = [out.type.tensorType for out in op.outputs]
        shapes = [tuple(d.constant.size for d in kind.dimensions) for kind in kinds]
        names = [out.name for out in op.outputs]
        return Operation(op.type, inputs, names, shapes, [TYPES[kind.dataType] for kind in kinds])

    def value(self, value) -> np.ndarray:
        kind = value.type.tensorType
        shape = tuple(d.constant.size for d in kind.dimensions)
        dtype = TYPES[kind.dataType]
        if value.WhichOneof("value") == "blobFileValue":
            return self.blob_array(value.blobFileValue.offset, dtype).reshape(shape)
        tensor = value.immediateValue.tensor
        field = tensor.WhichOneof("value")
        values = getattr(tensor, field).values
        array = np.frombuffer(values, dtype) if field == "bytes" else np.array(list(values), dtype)
        return array.reshape(shape)

    def blob_array(self, at: int, dtype) -> np.ndarray:
        mark, kind, byte, begin = RECORD.unpack_from(self.blob, at)
        if mark != MARK or BLOB_TYPES.get(kind) != dtype:
            raise ValueError(f"weight.bin: the record at {at} is no {np.dtype(dtype)}")
        return np.frombuffer(self.blob[begin : begin + byte], dtype)
