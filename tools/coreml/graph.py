"""The BERT encoder, or one block, as an ML program in f16, operation by operation as kernels/encode/encode.h
and kernels/block/block.h have them."""
import math

import coremltools as ct
import numpy as np
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import types

from weights import Weights

TARGET = ct.target.macOS14
# A variance is never below 1e-3 here; 1e-12 is nothing in f16, and 2^-24 the least that is something.
EPSILON = np.float16(2.0**-24)


def const_name(tensor: str) -> str:
    """Of the constant that holds a tensor; names of ML programs have no dots."""
    return tensor.replace(".", "_")


class Graph:
    def __init__(self, weights: Weights):
        self.weights = weights
        self.heads = int(weights.facts["heads"])

    def const(self, tensor: str):
        values = self.weights.tensors[tensor].astype(np.float16)
        return mb.const(val=values, name=const_name(tensor))

    def affine(self, x, name: str):
        weight, bias = self.const(name + ".weight"), self.const(name + ".bias")
        return mb.linear(x=x, weight=weight, bias=bias)

    def norm(self, x, name: str):
        gamma, beta = self.const(name + ".weight"), self.const(name + ".bias")
        return mb.layer_norm(x=x, axes=[-1], gamma=gamma, beta=beta, epsilon=EPSILON)

    def embed(self, tokens, segments):
        name = "embeddings."
        # The rows of this sentence's positions, which are always the same.
        table = self.weights.tensors[name + "position_embeddings.weight"]
        positions = table[: self.weights.tokens].astype(np.float16)[np.newaxis]
        positions = mb.const(val=positions, name=const_name(name + "position_embeddings.weight"))
        words = mb.gather(x=self.const(name + "word_embeddings.weight"), indices=tokens, axis=0)
        kinds = mb.gather(x=self.const(name + "token_type_embeddings.weight"), indices=segments, axis=0)
        return self.norm(mb.add(x=mb.add(x=words, y=positions), y=kinds), name + "LayerNorm")

    def attend(self, x, name: str):
        _, tokens, dim = x.shape
        head_dim = dim // self.heads

        def split(y):  # [1, tokens, dim] to [1, heads, tokens, head_dim]
            y = mb.reshape(x=y, shape=[1, tokens, self.heads, head_dim])
            return mb.transpose(x=y, perm=[0, 2, 1, 3])

        q, k, v = (split(self.affine(x, f"{name}.self.{part}")) for part in ("query", "key", "value"))
        q = mb.mul(x=q, y=np.float16(1 / math.sqrt(head_dim)))
        shares = mb.softmax(x=mb.matmul(x=q, y=k, transpose_y=True), axis=-1)
        rows = mb.transpose(x=mb.matmul(x=shares, y=v), perm=[0, 2, 1, 3])
        return mb.reshape(x=rows, shape=[1, tokens, dim])

    def block(self, x, layer: int):
        name = f"encoder.layer.{layer}"
        attended = self.affine(self.attend(x, name + ".attention"), name + ".attention.output.dense")
        h = self.norm(mb.add(x=x, y=attended), name + ".attention.output.LayerNorm")
        up = mb.gelu(x=self.affine(h, name + ".intermediate.dense"), mode="EXACT")
        return self.norm(mb.add(x=h, y=self.affine(up, name + ".output.dense")), name + ".output.LayerNorm")

    def encode(self, tokens, segments):
        x = self.embed(tokens, segments)
        for layer in range(int(self.weights.facts["layers"])):
            x = self.block(x, layer)
        hidden = mb.identity(x=x, name="hidden")
        first = mb.slice_by_size(x=x, begin=[0, 0, 0], size=[1, 1, x.shape[-1]])
        pooled = self.affine(mb.squeeze(x=first, axes=[1]), "pooler.dense")
        return hidden, mb.tanh(x=pooled, name="pooled")


def inputs(weights: Weights) -> dict:
    """Names to shapes and types: the sentence, or what enters the block."""
    n = weights.tokens
    if weights.is_block:
        return {"x": ((1, n, weights.model_dim), np.float16)}
    return {"tokens": ((1, n), np.int32), "segments": ((1, n), np.int32)}


def outputs(weights: Weights) -> dict:
    n, dim = weights.tokens, weights.model_dim
    if weights.is_block:
        return {"y": ((1, n, dim), np.float16)}
    return {"hidden": ((1, n, dim), np.float16), "pooled": ((1, dim), np.float16)}


def program(weights: Weights):
    kinds = {np.int32: types.int32, np.float16: types.fp16}
    # Each input takes the name of its own specification.
    specs = [mb.TensorSpec(shape=shape, dtype=kinds[kind]) for shape, kind in inputs(weights).values()]
    graph = Graph(weights)
    if weights.is_block:

        @mb.program(input_specs=specs, opset_version=TARGET)
        def made(x):
            return mb.identity(x=graph.block(x, 0), name="y")

    else:

        @mb.program(input_specs=specs, opset_version=TARGET)
        def made(tokens, segments):
            return graph.encode(tokens, segments)

    return made


def make(weights: Weights) -> ct.models.MLModel:
    # Tokens and segments are never negative: three operations for each would only cost time.
    pipeline = ct.PassPipeline.DEFAULT
    pipeline.remove_passes({"common::guard_negative_gather_indices"})
    model = ct.convert(
        program(weights),
        convert_to="mlprogram",
        minimum_deployment_target=TARGET,
        compute_precision=ct.precision.FLOAT32,  # leaves the types alone: they are f16 as written
        pass_pipeline=pipeline,
        outputs=[ct.TensorType(name=name, dtype=kind) for name, (_, kind) in outputs(weights).items()],
        skip_model_load=True,
    )
    part = "block of a BERT encoder" if weights.is_block else "BERT encoder"
    model.short_description = f"Benchmark of wattline: a {part} with random weights."
    for key, value in weights.facts.items():
        model.user_defined_metadata[f"wattline.{key}"] = value
    return model
