"""Clicks through the page of a roofline plot. `plot_page_test.py MAKE_EXAMPLE [FOLDER]`

MAKE_EXAMPLE is the program of make_example.cc. Screenshots go to FOLDER where one is given.
Exit 77: no Chromium, skipped.
"""
import csv
import io
import json
import pathlib
import xml.etree.ElementTree as ElementTree

import page_case

SHOWN = "e => !e.closest('.off') && !e.closest('[hidden]')"
MARKERS = f"[...document.querySelectorAll('.picture .p[data-p]')].filter({SHOWN})"
ROWS = "[...document.querySelectorAll('tbody tr')].filter(r => !r.hidden)"
TIP = "document.getElementById('tip')"


def label(name, value):
    return f'input[name="{name}"][value="{value}"]'


class PageTest(page_case.PageCase):
    def requests(self, page):
        return [u for u in page.requests() if not u.startswith("blob:")]  # of downloads

    def numbers(self, page):
        return page.value(f"{MARKERS}.map(e => Number(e.dataset.p) + 1)")

    def column(self, page, key):
        at = page.value(
            f"[...document.querySelectorAll('th')].findIndex(h => h.dataset.key === '{key}')")
        return page.value(f"{ROWS}.map(r => r.cells[{at}].textContent)")


class Showing(PageTest):
    def test_shows_every_point_and_every_row_at_first(self):
        page = self.open("two")
        self.assertEqual(self.numbers(page), list(range(1, 43)))
        self.assertEqual(page.value(f"{ROWS}.length"), 43)  # and the one that is not drawn
        self.assertEqual(page.value("document.querySelector('caption').textContent"),
                         "43 of 43 rows shown")
        self.shot(page, "two_light.png")

    def test_a_chip_that_is_switched_off_takes_roofs_points_and_rows_with_it(self):
        page = self.open("two")
        roofs = f"[...document.querySelectorAll('.picture:not([hidden]) g[data-r] .roof')].filter({SHOWN})"
        before = page.value(f"{roofs}.length")
        page.click(label("chip", "made-up chip (test data)"))
        self.assertEqual(self.numbers(page), list(range(1, 22)))
        self.assertEqual(page.value(f"{ROWS}.length"), 22)
        self.assertEqual(before - page.value(f"{roofs}.length"), 4)
        self.assertEqual(page.value("document.querySelectorAll('.picture:not([hidden]) .row.dim').length"), 4)
        page.click(label("chip", "made-up chip (test data)"))
        self.assertEqual(len(self.numbers(page)), 42)

    def test_formats_and_levels_are_switched_one_by_one(self):
        page = self.open("two")
        page.click(label("format", "bf16"))
        self.assertEqual(set(self.column(page, "format")), {"f32", "int8", "q8_0", "q4_0", "f16"})
        page.click(label("format", "bf16"))
        lines = f"[...document.querySelectorAll('.picture:not([hidden]) text.halo')].filter({SHOWN}).map(t => t.textContent)"
        self.assertTrue(any(t.startswith("L2") for t in page.value(lines)))
        page.click(label("level", "L2"))
        self.assertFalse(any(t.startswith("L2") for t in page.value(lines)))
        self.assertEqual(len(self.numbers(page)), 42)  # none is held against L2
        page.click(label("level", "DRAM"))
        self.assertEqual(self.numbers(page), [])

    def test_numbers_that_stand_together_name_what_is_shown(self):
        page = self.open("two")
        together = "document.querySelector('.picture:not([hidden]) text.num[data-p=\"1 2 20\"]')"
        self.assertEqual(page.value(f"{together}.textContent"), "2,3,21")
        page.value("document.getElementById('share').focus()")
        page.press("ArrowRight", 40)  # rows of little time go
        shown = [n for n in self.numbers(page) if n in (2, 3, 21)]
        self.assertTrue(0 < len(shown) < 3)
        self.assertEqual(page.value(f"{together}.textContent"), ",".join(map(str, shown)))

    def test_the_slider_hides_what_takes_little_time(self):
        page = self.open("two")
        page.value("document.getElementById('share').focus()")
        page.press("ArrowRight", 60)
        least = float(page.value("document.querySelector('output').textContent").split()[0])
        shares = [float(s) for s in self.column(page, "time_percent")]
        self.assertGreater(least, 1)
        self.assertTrue(0 < len(shares) < 42)
        self.assertTrue(all(s >= least - 0.01 for s in shares), (least, min(shares)))
        self.assertIn("of the time",
                      page.value("document.getElementById('share').getAttribute('aria-valuetext')"))
        self.shot(page, "slider.png")
        page.press("Home")
        self.assertEqual(len(self.numbers(page)), 42)

    def test_time_and_energy_are_two_pictures(self):
        page = self.open("two")
        texts = "[...document.querySelectorAll('.picture:not([hidden]) text')].map(t => t.textContent)"
        self.assertIn("speed, GFLOP/s (int8: GOP/s)", page.value(texts))
        page.click(label("axis", "energy"))
        self.assertIn("efficiency, GFLOP/J (int8: GOP/J)", page.value(texts))
        self.assertNotIn("speed, GFLOP/s (int8: GOP/s)", page.value(texts))
        self.shot(page, "energy.png")

    def test_without_joules_there_is_no_axis_to_choose_and_no_column(self):
        page = self.open("plain")
        self.assertEqual(page.value("document.querySelectorAll('.picture').length"), 1)
        self.assertFalse(page.value("!!document.querySelector('input[name=axis]')"))
        heads = page.value("[...document.querySelectorAll('th')].map(h => h.dataset.key)")
        self.assertNotIn("joules", heads)
        self.assertNotIn("efficiency", heads)

    def test_dark_and_light_follow_the_reader(self):
        page = self.open("two", prefers_color_scheme="dark")
        ground = "getComputedStyle(document.querySelector('.bg')).fill"
        body = "getComputedStyle(document.body).backgroundColor"
        self.assertEqual(page.value(ground), "rgb(21, 24, 28)")
        self.assertEqual(page.value(body), "rgb(21, 24, 28)")
        self.shot(page, "two_dark.png")
        page.prefer(prefers_color_scheme="light")
        self.assertEqual(page.value(ground), "rgb(255, 255, 255)")
        self.assertEqual(page.value(body), "rgb(255, 255, 255)")

    def test_texts_of_the_picture_do_not_overlap_in_this_browsers_font(self):
        page = self.open("two")
        for axis in ("time", "energy"):
            page.click(label("axis", axis))
            overlaps = page.value("""(() => {
              const all = [...document.querySelectorAll('.picture:not([hidden]) text')]
                .filter(t => !t.hasAttribute('transform') && t.textContent.trim() !== '')
                .map(t => [t.textContent, t.getBoundingClientRect()]);
              const found = [];
              all.forEach(([a, x], i) => all.slice(0, i).forEach(([b, y]) => {
                const over = Math.min(x.right, y.right) - Math.max(x.left, y.left);
                // A line of text is taller than its letters.
                const tall = Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top);
                if (over > 0.5 && tall > 5) found.push([a, b, over, tall]);
              }));
              return found;
            })()""")
            self.assertEqual(overlaps, [])


class Reading(PageTest):
    def test_hover_tells_all_of_a_point(self):
        page = self.open("two")
        self.assertTrue(page.value(f"{TIP}.hidden"))
        page.hover('.picture:not([hidden]) .p[data-p="12"]')
        text = page.value(f"{TIP}.innerText")
        for part in ("13: gemm/1024x1024x1024/f32/openblas", "171 FLOP/byte", "391 GFLOP/s",
                     "% (f32 DRAM)", "compute", " J", "GFLOP/J", "of the time"):
            self.assertIn(part, text)
        self.assertEqual(page.value("document.querySelector('tr.hot td button').textContent"), "13")
        self.shot(page, "hover.png")

    def test_points_are_reached_and_read_by_keyboard(self):
        page = self.open("two")
        stops = page.value("document.querySelectorAll('.picture:not([hidden]) [tabindex=\"0\"]').length")
        self.assertEqual(stops, 1)
        for _ in range(40):
            page.press("Tab")
            if page.value("document.activeElement.matches('.p[data-p]')"):
                break
        self.assertTrue(page.value("document.activeElement.matches('.p[data-p]')"))
        page.press("Home")
        self.assertFalse(page.value(f"{TIP}.hidden"))
        intensities = []
        for _ in range(4):
            intensities.append(page.value(
                f"Number({TIP}.innerText.match(/([0-9.]+) FLOP.byte/)[1])"))
            page.press("ArrowRight")
        self.assertEqual(intensities, [0.23, 0.23, 0.5, 0.5])  # of both chips
        name = page.value("document.activeElement.getAttribute('aria-label')")
        self.assertRegex(name, r"^\d+: .*intensity .* FLOP/byte, speed .*of attainable .*bound ")
        number = name.split(":")[0]
        self.assertGreaterEqual(
            float(page.value("getComputedStyle(document.activeElement).strokeWidth").rstrip("px")), 3)
        page.press("Enter")
        self.assertEqual(page.value("document.activeElement.textContent"), number)
        page.press("Enter")  # and back
        self.assertTrue(page.value("document.activeElement.matches('.p[data-p]')"))
        page.press("Escape")
        self.assertTrue(page.value(f"{TIP}.hidden"))

    def test_the_table_sorts_both_ways_with_absent_values_last(self):
        page = self.open("two")
        sort = "document.querySelector('th[data-key=\"{}\"]').getAttribute('aria-sort')"
        self.assertEqual(page.value(sort.format("number")), "ascending")
        page.click('th[data-key="row"] button')
        self.assertTrue(self.column(page, "row")[0].startswith("attention/causal"))
        page.click('th[data-key="speed"] button')
        self.assertEqual(page.value(sort.format("speed")), "ascending")
        self.assertEqual(page.value(sort.format("number")), "none")
        speeds = self.column(page, "speed")
        self.assertEqual(speeds[-1], "")
        self.assertEqual([float(s) for s in speeds[:-1]], sorted(float(s) for s in speeds[:-1]))
        page.value("document.querySelector('th[data-key=\"speed\"] button').focus()")
        page.press("Enter")
        self.assertEqual(page.value(sort.format("speed")), "descending")
        speeds = self.column(page, "speed")
        self.assertEqual(speeds[-1], "")
        self.assertEqual([float(s) for s in speeds[:-1]],
                         sorted((float(s) for s in speeds[:-1]), reverse=True))

    def test_names_from_files_stay_text(self):
        page = self.open("evil")
        self.assertEqual(page.value("typeof window.hurt"), "undefined")
        self.assertEqual(page.value("document.querySelectorAll('script').length"), 2)
        self.assertEqual(page.value("document.querySelectorAll('img').length"), 0)
        self.assertIn("<img src=x", self.column(page, "row")[0])
        page.hover('.picture:not([hidden]) .p[data-p="12"]')
        self.assertIn("</script><script>", page.value(f"{TIP}.innerText"))
        self.assertEqual(page.value("document.querySelectorAll('img').length"), 0)


class Saving(PageTest):
    def test_csv_has_the_rows_shown_in_their_order(self):
        page = self.open("two")
        page.click(label("chip", "made-up chip (test data)"))
        page.click('th[data-key="intensity"] button')
        name, text = page.download("#controls button:nth-of-type(2)")
        self.assertEqual(name, "roofline.csv")
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual(len(rows), 22)
        self.assertEqual({r["chip"] for r in rows}, {"Intel(R) Xeon(R) Processor"})
        self.assertEqual(rows[0]["row"], "dequant/4096x4096/q4_0/cpu")
        self.assertAlmostEqual(float(rows[0]["flop_per_s"]), 7.9e9)
        self.assertAlmostEqual(float(rows[0]["byte_per_s"]), 7.9e9 / 0.23, delta=1e7)
        self.assertEqual(rows[-1]["remark"], "differs from its reference")
        self.assertEqual(rows[-1]["flop_per_s"], "")

    def test_csv_quotes_what_needs_it(self):
        page = self.open("evil")
        _, text = page.download("#controls button:nth-of-type(2)")
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual(len(rows), 22)
        self.assertIn("onerror=hurt=2>\"'", rows[0]["chip"])

    def test_svg_stands_alone_and_names_its_points(self):
        page = self.open("two")
        page.click(label("chip", "Intel(R) Xeon(R) Processor"))
        name, text = page.download("#controls button:nth-of-type(1)")
        self.assertEqual(name, "roofline.svg")
        root = ElementTree.fromstring(text)
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        texts = ["".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertTrue(any("42  block/llama-3.2-1b/bf16/ctx:512/cpu" in t for t in texts))
        self.assertFalse(any("1  decode/" in t and "Intel" in t for t in texts))
        self.assertNotIn("tabindex", text)
        self.assertNotRegex(text, 'class="[^"]*\\boff\\b')  # what is hidden is not in the file
        if self.shots:
            (pathlib.Path(self.shots) / "saved.svg").write_text(text)


class Size(PageTest):
    def test_five_hundred_points_stay_under_300_kb(self):
        path = self.file("many")
        self.assertLess(path.stat().st_size, 300_000)
        page = self.open("many")
        self.assertEqual(len(self.numbers(page)), 500)
        self.shot(page, "many.png", whole=False)

    def test_the_page_names_no_other_place(self):
        for kind in ("two", "plain"):
            text = self.file(kind).read_text()
            for address in ("http://", "https://", "src=", "@import", "url(http"):
                text = text.replace("http://www.w3.org/2000/svg", "")
                self.assertNotIn(address, text)
            model = text.split('id="model">')[1].split("</script>")[0]
            self.assertEqual(len(json.loads(model)["chips"]), 2 if kind == "two" else 1)


if __name__ == "__main__":
    page_case.main()
