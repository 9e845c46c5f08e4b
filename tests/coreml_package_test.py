#!/usr/bin/env python3
"""tools/coreml_package: the packages of a small encoder and of one block pass their own check, and packages
with a fault of each kind do not. `coreml_package_test.py MAKE_BERT`; skipped (77) where coremltools is not installed."""
import dataclasses
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHAPE = ["--layers=2", "--model_dim=64", "--heads=4", "--ffn_dim=160", "--vocab=90", "--tokens=24"]


def use_coremltools():
    """Runs on with the interpreter that has coremltools, or ends the test as skipped."""
    if importlib.util.find_spec("coremltools") is not None:
        return
    venv = pathlib.Path(os.environ.get("WATTLINE_COREML_VENV") or ROOT / "build" / "coreml")
    python = venv / "bin" / "python"
    if os.environ.get("WATTLINE_COREML_TEST") or not python.exists():
        print("skipped: coremltools is not installed; tools/coreml_package installs it into build/coreml")
        sys.exit(77)
    os.environ["WATTLINE_COREML_TEST"] = "again"
    os.execv(python, [str(python), *sys.argv])


class Written:
    """A package of what make_bert writes with FLAGS."""

    FLAGS = []

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        path = os.path.join(cls.folder.name, "weights.safetensors")
        subprocess.run([MAKE_BERT, *SHAPE, *cls.FLAGS, "-o", path], check=True, stdout=subprocess.DEVNULL)
        cls.weights = weights.read(path)
        cls.path = os.path.join(cls.folder.name, "small.mlpackage")
        graph.make(cls.weights).save(cls.path)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        self.package = package.Package(self.path)

    def faults(self):
        return check.check(self.package, self.weights)

    def test_what_was_written_has_no_fault(self):
        self.assertEqual(self.faults(), [])
        self.assertLess(check.error_of_answer(self.package, self.weights), 1e-3)

    def expect_wrong_answer(self):
        (fault,) = self.faults()
        self.assertRegex(fault, "^rms error .* of the answer's rms, tolerance")

    def test_a_residual_left_out_is_a_wrong_answer(self):
        adds = [op for op in self.package.operations if op.kind == "add"]
        adds[-1].inputs["x"] = adds[-1].inputs["y"]
        self.expect_wrong_answer()

    def test_other_shapes_of_inputs_are_found(self):
        self.package.description.input[0].type.multiArrayType.shape[1] = 25
        self.assertIn("inputs and outputs", self.faults()[0])


class CoreMlEncoder(Written, unittest.TestCase):
    def test_a_flipped_bit_of_a_weight_is_found(self):
        name = graph.const_name("encoder.layer.1.output.dense.weight")
        changed = self.package.constants[name].copy()
        changed.view("uint16")[3, 5] ^= 1
        self.package.constants[name] = changed
        self.assertEqual(self.faults(), ["encoder.layer.1.output.dense.weight: other bits than make_bert's"])

    def test_a_flipped_bit_of_the_file_is_found(self):
        file = pathlib.Path(self.path) / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
        bytes_before = file.read_bytes()
        word = self.weights.tensors["pooler.dense.weight"].tobytes()
        at = bytes_before.index(word) + 17
        try:
            file.write_bytes(bytes_before[:at] + bytes([bytes_before[at] ^ 1]) + bytes_before[at + 1 :])
            self.package = package.Package(self.path)
            self.assertEqual(self.faults(), ["pooler.dense.weight: other bits than make_bert's"])
        finally:
            file.write_bytes(bytes_before)

    def test_a_missing_operation_is_found(self):
        self.package.operations = [op for op in self.package.operations if op.kind != "gelu"]
        self.assertIn("0 operations gelu, expected 2", self.faults())

    def test_keys_in_the_place_of_queries_are_a_wrong_answer(self):
        products = [op for op in self.package.operations if op.kind == "matmul"]
        products[0].inputs["x"] = products[0].inputs["y"]
        self.expect_wrong_answer()

    def test_two_projections_exchanged_are_a_wrong_answer(self):
        linear = [op for op in self.package.operations if op.kind == "linear"]
        query, key = linear[0].inputs, linear[1].inputs
        query["bias"], key["bias"] = key["bias"], query["bias"]
        self.expect_wrong_answer()

    def test_segments_taken_for_tokens_are_a_wrong_answer(self):
        gathers = [op for op in self.package.operations if op.kind == "gather"]
        gathers[0].inputs["indices"] = "segments"
        self.expect_wrong_answer()


class CoreMlBlock(Written, unittest.TestCase):
    FLAGS = ["--block"]

    def test_it_is_one_block_and_nothing_else(self):
        self.assertEqual(self.weights.facts["layers"], "1")
        kinds = {op.kind for op in self.package.operations}
        self.assertEqual(kinds & {"gather", "tanh", "cast"}, set())
        names = [feature.name for feature in [*self.package.description.input, *self.package.description.output]]
        self.assertEqual(names, ["x", "y"])

    def test_a_flipped_bit_of_a_weight_is_found(self):
        name = graph.const_name("encoder.layer.0.intermediate.dense.weight")
        changed = self.package.constants[name].copy()
        changed.view("uint16")[3, 5] ^= 1
        self.package.constants[name] = changed
        self.assertEqual(self.faults(), ["encoder.layer.0.intermediate.dense.weight: other bits than make_bert's"])

    def test_an_embedding_before_it_is_found(self):
        self.package.operations.append(dataclasses.replace(self.package.operations[0], kind="gather"))
        self.assertIn("1 operations gather, expected 0", self.faults())


if __name__ == "__main__":
    use_coremltools()
    sys.path.insert(0, str(ROOT / "tools" / "coreml"))
    import check
    import graph
    import package
    import weights

    MAKE_BERT = sys.argv.pop()
    unittest.main()
