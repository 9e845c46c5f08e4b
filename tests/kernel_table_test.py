"""tools/kernel_table on a results file that can be checked in the head."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parent.parent / "tools" / "kernel_table"
STREAM = "f32/kb:524288/threads:2"
HEADS = "heads:32/kv_heads:8/head_dim:128"


def row(name, **counters):
    return {"name": name, "run_name": name, "run_type": "iteration", **counters}


DOCUMENT = {
    "context": {"chip": "Chip 7", "threads": 2, "date": "2026-11-21T10:00:00"},
    "benchmarks": [
        row("ceiling/peak/f32/threads:2/cpu_wide", TFLOPS=2.0),
        row("ceiling/peak/f32/threads:1/cpu_wide", TFLOPS=1.0),
        row("ceiling/peak/f32/threads:2/cpu_narrow", TFLOPS=1.0),
        row("ceiling/peak/int8/threads:2/cpu_wide", TFLOPS=8.0),
        row(f"ceiling/read/{STREAM}/cpu_wide", **{"GB/s": 40.0}),
        row(f"ceiling/write/{STREAM}/cpu_wide", **{"GB/s": 20.0}),
        # Three repetitions count as their median.
        row("gemm/512x4096x4096/f32/cpu_wide", TFLOPS=1.8, round_trip_ns=260, **{"ground_GB/s": 38}),
        row("gemm/512x4096x4096/f32/cpu_wide", TFLOPS=0.1),
        row("gemm/512x4096x4096/f32/cpu_wide", TFLOPS=1.9),
        row("gemm/512x4096x4096/f32/cpu_narrow", TFLOPS=0.8),
        row("gemm/512x4096x4096/q4_0/cpu_wide", TFLOPS=4.0),
        row("gemm/1x4096x4096/q4_0/weights:cold/cpu_wide", MBU=0.953),
        {**row("gemm/1x4096x4096/q4_0/weights:cold/cpu_narrow"), "error_occurred": True},
        row("gemm/1x4096x4096/q8_0/weights:cold/cpu_wide",
            label="above the read bandwidth of its probes"),
        row("gemm/512x4096x4096/q8_0/cpu_wide", TFLOPS=8.4),
        row("gemm/512x4096x4096/q6_k/cpu_wide", TFLOPS=8.5),
        row(f"attention/single_query/f16/{HEADS}/ctx:4096/cpu_wide", MBU=0.9),
        # 2 and 4 bytes an element: (2 / 40 + 4 / 20) against 6 / 20 ns.
        row("dequant/4096x4096/q8_0/to:f32/data:cold/cpu_wide", **{"GB/s": 20.0}),
    ],
}


def run(*arguments, folder):
    return subprocess.run([sys.executable, TOOL, *arguments], cwd=folder, capture_output=True,
                          text=True)


class KernelTableTest(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)
        self.write(DOCUMENT)

    def write(self, document):
        (self.folder / "r.json").write_text(json.dumps(document), "utf-8")

    def cells(self):
        told = run("r.json", folder=self.folder)
        self.assertEqual(told.returncode, 0, told.stderr)
        lines = [line.strip("| ").split(" | ") for line in told.stdout.splitlines()
                 if line.startswith("|")]
        self.assertEqual(lines[0][2:], ["wide", "narrow"])
        return {(line[0].split(":")[0], line[1]): line[2:] for line in lines[2:]}

    def test_a_fraction_is_of_the_instruction_sets_own_limit_for_as_many_threads(self):
        cells = self.cells()
        self.assertEqual(cells["GEMM, 512 tokens", "f32"], ["90 %", "80 %"])
        self.assertEqual(cells["GEMM, 512 tokens, packed weights", "q4_0"], ["50 %", "–"])

    def test_streams_are_held_against_bandwidth(self):
        cells = self.cells()
        self.assertEqual(cells["attention, one query of 4096", "f16"], ["90 %", "–"])
        read, moved = 34 / 32, 34 / 32 + 4
        self.assertEqual(cells["dequant to f32", "q8_0"],
                         [f"{100 * (read / 40 + 4 / 20) / (moved / 20):.0f} %", "–"])

    def test_what_passes_its_limit_by_more_than_5_percent_shows_no_figure(self):
        cells = self.cells()
        self.assertEqual(cells["GEMV, cold weights", "q8_0"], ["over 100 %", "–"])
        self.assertEqual(cells["GEMM, 512 tokens, packed weights", "q8_0"], ["105 %", "–"])
        self.assertEqual(cells["GEMM, 512 tokens, packed weights", "q6_k"], ["over 100 %", "–"])

    def test_a_row_that_failed_is_a_dash(self):
        self.assertEqual(self.cells()["GEMV, cold weights", "q4_0"], ["95 %", "–"])

    def test_check_fails_where_file_and_readme_disagree(self):
        (self.folder / "README.md").write_text("# Title\n\nText.\n", "utf-8")
        self.assertEqual(run("--check", "README.md", folder=self.folder).returncode, 77)
        run("--write", "README.md", "r.json", folder=self.folder)
        self.assertEqual(run("--check", "README.md", folder=self.folder).returncode, 0)
        text = (self.folder / "README.md").read_text("utf-8")
        self.assertTrue(text.startswith("# Title\n\nText.\n"))
        (self.folder / "README.md").write_text(text.replace("95 %", "99 %"), "utf-8")
        self.assertEqual(run("--check", "README.md", folder=self.folder).returncode, 1)
        run("--write", "README.md", "r.json", folder=self.folder)
        self.assertEqual((self.folder / "README.md").read_text("utf-8"), text)

    def test_the_filter_takes_the_rows_of_the_table_and_their_limits(self):
        pattern = run("--filter", folder=self.folder).stdout.strip()
        for name in [row["name"] for row in DOCUMENT["benchmarks"]]:
            self.assertTrue(re.search(pattern, name), name)
        for name in ["gemm/2048x2048x2048/f32/cpu", "ceiling/read/f32/kb:32/threads:2/cpu_wide",
                     "gemm/512x4096x4096/f32/onednn"]:
            self.assertFalse(re.search(pattern, name), name)


if __name__ == "__main__":
    unittest.main()
