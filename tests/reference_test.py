"""The results files of published figures. `reference_test.py ROOFLINE`, the program of its lint."""
import csv
import decimal
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

REFERENCE = pathlib.Path(__file__).resolve().parent.parent / "tools" / "reference"
MAKE = [sys.executable, REFERENCE / "make"]
OF_A_ROW = {"name", "run_name", "run_type", "label", "source", "csv", "real_time", "time_unit"}
# Columns that hold what was measured or stated; the others describe it.
FIGURES = {"gbs", "gflops", "watts", "value", "bandwidth_gbs", "ane_tops"}


def files():
    return {path.name: json.loads(path.read_text("utf-8")) for path in REFERENCE.glob("*.json")}


def rows():
    return [(name, row) for name, file in files().items() for row in file["benchmarks"]]


def counters(row):
    return {key: value for key, value in row.items() if key not in OF_A_ROW}


def lines():
    """Every row of every CSV file, by its place."""
    return {f"{path.name}:{count}": line
            for path in sorted((REFERENCE / "published").glob("*.csv"))
            for count, line in enumerate(csv.DictReader(path.read_text("utf-8").splitlines()), 2)}


def left_out():
    told = subprocess.run([*MAKE, "--left-out"], check=True, capture_output=True, text=True).stdout
    return dict(line.split(": ", 1) for line in told.splitlines())


class ReferenceTest(unittest.TestCase):
    roofline = ""

    def test_the_committed_files_are_what_the_script_writes(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([*MAKE, "-o", folder], check=True)
            made = {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}
        committed = {path.name: path.read_bytes() for path in REFERENCE.glob("*.json")}
        self.assertGreater(len(made), 10)
        self.assertEqual(sorted(made), sorted(committed))
        for name, text in made.items():
            self.assertEqual(text, committed[name], f"{name} is stale: run tools/reference/make")

    def test_every_published_row_is_in_a_file_or_left_out_for_a_reason(self):
        used = {row["csv"] for _, row in rows()}
        reasons = left_out()
        for place in lines():
            is_left_out = place in reasons or place.split(":")[0] in reasons
            self.assertNotEqual(place in used, is_left_out, place)
        self.assertEqual([], [place for place, reason in reasons.items() if len(reason) < 10])

    def test_figures_and_sources_are_those_of_the_published_row(self):
        published = lines()
        kept = {}
        for _, row in rows():
            kept.setdefault(row["csv"], []).append(row)
        for place, made in kept.items():
            line = published[place]
            values = {decimal.Decimal(str(value)) for row in made
                      for key, value in row.items() if not isinstance(value, str)}
            for column, text in line.items():
                if text and (column in FIGURES or column.endswith("_tps")):
                    value = decimal.Decimal(text) / (1000 if column == "gflops" else 1)
                    self.assertIn(value, values, f"{place}, {column}")
            for row in made:
                self.assertEqual(row["source"], line["source"], place)

    def test_every_file_is_of_one_chip_and_marked_published(self):
        published = lines()
        for name, file in files().items():
            context = file["context"]
            self.assertTrue(context["published"], name)
            self.assertEqual(context["tool"], "published")
            self.assertEqual(name, context["chip_slug"] + ".json")
            self.assertTrue(context["source"])
            names = [row["name"] for row in file["benchmarks"]]
            self.assertEqual(len(names), len(set(names)), name)
            for row in file["benchmarks"]:
                chip = re.sub(r" (\(ANE\)|\d+c)$", "", published[row["csv"]]["chip"])
                self.assertIn(context["chip"], (f"Apple {chip}", f"NVIDIA {chip}"))

    def test_names_are_addresses(self):
        part = r"[a-z0-9._-]+"
        for name, row in rows():
            self.assertRegex(row["name"], f"^{part}/{part}/{part}(/{part}:{part})*/{part}$", name)

    def test_theoretical_figures_never_look_measured(self):
        published = lines()
        for _, row in rows():
            line = published[row["csv"]]
            is_theory = row["csv"].startswith("chips.csv") or "theoretical" in line.get("kind", "")
            self.assertEqual(row["name"].startswith("theoretical/"), is_theory, row)
            self.assertEqual("theoretical, not measured" in row.get("label", ""), is_theory, row)
            speeds = set(counters(row)) - {"gpu_cores", "peak_watts"}
            for counter in speeds:
                self.assertEqual(counter.startswith("theoretical_"), is_theory, row)
            self.assertTrue(speeds or "real_time" in row, row)

    def test_nothing_is_zero_or_absent_by_another_name(self):
        for _, row in rows():
            for key, value in row.items():
                if not isinstance(value, str):
                    self.assertGreater(value, 0, f"{row['name']}, {key}")

    def test_secondary_sources_say_so(self):
        for _, row in rows():
            if any(word in row["source"] for word in ("secondary", "press", "course")):
                self.assertIn("secondary source", row["label"])

    def test_copies_are_not_called_reads(self):
        published = lines()
        for _, row in rows():
            method = published[row["csv"]].get("method", "")
            if "STREAM" in method or "memcpy" in method:
                self.assertNotIn("/read/", row["name"])

    def test_the_lint_has_no_findings(self):
        told = subprocess.run([self.roofline, "lint", *sorted(REFERENCE.glob("*.json"))],
                              capture_output=True, text=True)
        self.assertEqual((told.returncode, told.stdout), (0, "lint: no findings\n"), told.stderr)


if __name__ == "__main__":
    ReferenceTest.roofline = sys.argv.pop(1)
    unittest.main()
