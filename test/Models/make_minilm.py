#!/usr/bin/env python3
"""Writes the sentence encoder all-MiniLM-L6-v2 as an ONNX model, from the safetensors file of its weights.

    make_minilm.py --weights model.safetensors -o minilm.onnx

BERT with 6 layers of 384 channels, 12 heads and an intermediate width of 1536, then the mean over the tokens of the
mask, divided by its length (Reimers and Gurevych 2019, arXiv:1908.10084). input_ids, attention_mask: [N, L] int64 ->
embedding: [N, 384]. Token types are all 0: their one vector is part of the table of positions.
"""
import argparse
import json
import struct

import numpy as np
import onnx
from onnx import TensorProto

import make_models

LAYERS, WIDTH, HEADS, EPSILON, OPSET = 6, 384, 12, 1e-12, 21


def read_safetensors(path):
    """name -> f32 array. The format: the size of a JSON header, the header, the data it has the offsets of."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__" and entry["dtype"] == "F32"}


class Encoder:
    """Adds the network to `graph`; every method takes and gives names of values."""

    def __init__(self, graph, weights):
        self.g, self.weights = graph, weights

    def named(self, name, array=None):
        self.g.inits.append(onnx.numpy_helper.from_array(
            np.ascontiguousarray(self.weights[name] if array is None else array), name))
        return name

    def linear(self, x, name):
        product = self.g.op("MatMul", x, self.named(f"{name}.weight", self.weights[f"{name}.weight"].T))
        return self.g.op("Add", product, self.named(f"{name}.bias"))

    def norm(self, x, name):
        return self.g.op("LayerNormalization", x, self.named(f"{name}.weight"), self.named(f"{name}.bias"), axis=-1,
                         epsilon=EPSILON)

    def layer(self, x, mask, name):
        def heads(part):
            return self.g.heads(self.linear(x, f"{name}.attention.self.{part}"), HEADS, WIDTH // HEADS)

        mixed = self.g.attention(heads("query"), heads("key"), heads("value"), WIDTH // HEADS, mask)
        out = self.linear(self.g.unheads(mixed, WIDTH), f"{name}.attention.output.dense")
        x = self.norm(self.g.op("Add", out, x), f"{name}.attention.output.LayerNorm")
        wide = self.g.gelu_erf(self.linear(x, f"{name}.intermediate.dense"))
        return self.norm(self.g.op("Add", self.linear(wide, f"{name}.output.dense"), x), f"{name}.output.LayerNorm")

    def embeddings(self, ids):
        g, positions = self.g, "embeddings.position_embeddings.weight"
        type_of_all = self.weights["embeddings.token_type_embeddings.weight"][0]
        table = self.named(positions, self.weights[positions] + type_of_all)
        length = g.op("Squeeze", g.dim(ids, 1))
        places = g.op("Gather", table, g.op("Range", g.const(0, np.int64), length, g.const(1, np.int64)), axis=0)
        words = g.op("Gather", self.named("embeddings.word_embeddings.weight"), ids, axis=0)
        return self.norm(g.op("Add", words, places), "embeddings.LayerNorm")

    def network(self, ids, mask):
        g = self.g
        seen = g.op("Cast", mask, to=TensorProto.FLOAT)
        hidden = g.op("Mul", g.op("Sub", g.const(1.0), g.op("Unsqueeze", seen, g.ints(1, 2))), g.const(-1e9))
        x = self.embeddings(ids)
        for i in range(LAYERS):
            x = self.layer(x, hidden, f"encoder.layer.{i}")
        total = g.op("ReduceSum", g.op("Mul", x, g.op("Unsqueeze", seen, g.ints(2))), g.ints(1), keepdims=0)
        mean = g.op("Div", total, g.op("ReduceSum", seen, g.ints(1), keepdims=1))
        return g.op("Div", mean, g.op("ReduceL2", mean, g.ints(1), keepdims=1))


def build(weights):
    g = make_models.Graph("minilm", OPSET)
    ids, mask = (g.input(name, TensorProto.INT64, ["N", "L"]) for name in ("input_ids", "attention_mask"))
    g.output(Encoder(g, weights).network(ids, mask), "embedding", TensorProto.FLOAT, ["N", WIDTH])
    return g.model()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True)
    parser.add_argument("-o", dest="out", required=True)
    args = parser.parse_args()
    model = build(read_safetensors(args.weights))
    onnx.checker.check_model(model)
    onnx.save(model, args.out)


if __name__ == "__main__":
    main()
