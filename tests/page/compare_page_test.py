"""Clicks through the page of a comparison. `compare_page_test.py MAKE_EXAMPLE [FOLDER]`

MAKE_EXAMPLE is the program of make_compare_example.cc. Screenshots go to FOLDER where one is given.
Exit 77: no Chromium, skipped.
"""

import page_case

TIP = "document.getElementById('tip')"
LINES = "[...document.querySelectorAll('#rows tbody tr')].filter(r => !r.hidden)"
BARS = "[...document.querySelectorAll('.chart [data-c]')].filter(b => !b.closest('[hidden]'))"
COLUMNS = 4


class PageTest(page_case.PageCase):
    def column(self, page, key, table="rows"):
        at = page.value(f"[...document.querySelectorAll('#{table} th[data-key]')]"
                        f".findIndex(h => h.dataset.key === '{key}')")
        self.assertGreaterEqual(at, 0)
        return page.value(f"[...document.querySelectorAll('#{table} tbody tr')]"
                          f".filter(r => !r.hidden).map(r => r.cells[{at}].textContent)")

    def type(self, page, text):
        page.click("#filter")
        page.call("Input.insertText", text=text)


class Showing(PageTest):
    def test_shows_every_row_and_a_bar_for_every_figure(self):
        page = self.open("four")
        figures = page.value(
            "JSON.parse(document.getElementById('comparison').textContent)"
            ".rows.reduce((n, r) => n + r[4].filter(Boolean).length, 0)")
        self.assertGreater(figures, 60)
        self.assertEqual(page.value(f"{BARS}.length"), figures)
        self.assertEqual(page.value(f"{LINES}.length"), 25)
        self.assertEqual(page.value("document.querySelectorAll('#columns li').length"), COLUMNS)
        heads = page.value("[...document.querySelectorAll('section.fixture h2')].map(h => h.textContent)")
        self.assertEqual(heads, ["decode, ctx", "decode, prefill", "gemm"])
        self.shot(page, "compare_light.png")

    def test_bars_are_as_long_as_their_figures(self):
        page = self.open("four")
        bars = page.value("""(() => {
          const figure = [...document.querySelectorAll('figure')]
            .find(f => f.querySelector('strong').textContent === 'tok/s');
          return [...figure.querySelectorAll('[data-c]')].map(g =>
            [Number(g.querySelector('.bar').getAttribute('width')),
             Number(g.querySelector('.figure').textContent)]);
        })()""")
        self.assertGreater(len(bars), 8)
        pixels_per_unit = [wide / value for wide, value in bars]
        for one in pixels_per_unit:
            self.assertAlmostEqual(one / pixels_per_unit[0], 1, delta=0.01)

    def test_rows_that_can_be_compared_come_first(self):
        page = self.open("four")
        shared = page.value("""JSON.parse(document.getElementById('comparison').textContent).rows
          .map(r => r[4].filter(Boolean).length > 1)""")
        self.assertIn(False, shared)
        for chart in page.value("""[...document.querySelectorAll('.chart')].map(c =>
            [...c.querySelectorAll('[data-c]')].map(b => Number(b.dataset.r)))"""):
            of_bars = [shared[row] for row in chart]
            self.assertEqual(of_bars, sorted(of_bars, reverse=True))

    def test_published_figures_are_hatched_and_say_so(self):
        page = self.open("four")
        published = page.value("""[...document.querySelectorAll('.chart [data-c="3"]')].map(g =>
          [g.querySelector('.bar').getAttribute('fill'), g.textContent])""")
        self.assertEqual(len(published), 2)
        for fill, text in published:
            self.assertTrue(fill.startswith("url(#hatch"))
            self.assertIn("published", text)
        self.assertIsNone(page.value(
            "document.querySelector('.chart [data-c=\"0\"] .bar').getAttribute('fill')"))
        self.assertIn("published, not measured here",
                      page.value("document.querySelectorAll('#columns li')[3].textContent"))

    def test_warnings_means_differences_and_missing_rows_stand_above_the_charts(self):
        page = self.open("four")
        order = page.value("""['#warnings', '#summaries', '#differences', '#missing', 'figure']
          .map(s => document.querySelector(s))
          .every((e, i, all) => i === 0 ||
            all[i - 1].compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)""")
        self.assertTrue(order)
        self.assertIn("published figures of others",
                      page.value("document.querySelector('#warnings').textContent"))
        self.assertIn("clang 17.0.0", page.value("document.querySelector('#differences').textContent"))
        self.assertIn("not told", page.value("document.querySelector('#differences').textContent"))
        self.assertEqual(set(self.column(page, "rows", "summaries")), {"3", "2", "1"})
        page.click("details summary")
        self.assertIn("differs from its reference", " ".join(self.column(page, "why", "missing")))

    def test_dark_and_light_follow_the_reader(self):
        page = self.open("four", prefers_color_scheme="dark")
        body = "getComputedStyle(document.body).backgroundColor"
        self.assertEqual(page.value(body), "rgb(21, 24, 28)")
        self.shot(page, "compare_dark.png")
        page.prefer(prefers_color_scheme="light")
        self.assertEqual(page.value(body), "rgb(255, 255, 255)")

    def test_texts_of_charts_do_not_overlap_and_stay_inside(self):
        for kind, width in (("four", 1280), ("many", 1280), ("four", 400), ("evil", 1280)):
            page = self.open(kind, width=width)
            found = page.value("""(() => {
              const found = [];
              for (const chart of document.querySelectorAll('.chart')) {
                const frame = chart.getBoundingClientRect();
                const all = [...chart.querySelectorAll('text')]
                  .map(t => [t.textContent, t.getBoundingClientRect()]);
                all.forEach(([a, x], i) => {
                  if (x.right > frame.right + 1 || x.left < frame.left - 1) found.push([a, 'outside']);
                  all.slice(0, i).forEach(([b, y]) => {
                    const over = Math.min(x.right, y.right) - Math.max(x.left, y.left);
                    // A line of text is taller than its letters.
                    const tall = Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top);
                    if (over > 0.5 && tall > 5) found.push([a, b, over, tall]);
                  });
                });
              }
              return found;
            })()""")
            self.assertEqual(found, [], (kind, width))
            self.assertLessEqual(page.value("document.documentElement.scrollWidth"), width)

    def test_charts_follow_the_width_of_the_window(self):
        page = self.open("four", width=1280)
        wide = page.value("document.querySelector('.chart').clientWidth")
        page.call("Emulation.setDeviceMetricsOverride", width=500, height=900, deviceScaleFactor=1,
                  mobile=False)
        page.value("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
        self.assertLess(page.value("document.querySelector('.chart').clientWidth"), 470)
        self.assertGreater(wide, 470)


class Filtering(PageTest):
    def test_words_narrow_charts_and_table(self):
        page = self.open("four")
        self.type(page, "Llama CTX")
        self.assertEqual(page.value("document.getElementById('count').textContent"),
                         "6 of 25 rows shown")
        self.assertTrue(all("llama" in r and "ctx" in r for r in self.column(page, "row")))
        self.assertEqual(page.value(f"{LINES}.length"), 6)
        keys = page.value("""[...document.querySelectorAll('.chart .key')]
          .filter(k => !k.closest('[hidden]')).map(k => k.textContent)""")
        self.assertEqual(len(keys), 6)
        self.assertTrue(all("llama" in k and "ctx" in k for k in keys))
        shown = page.value("[...document.querySelectorAll('section.fixture')].filter(s => !s.hidden).length")
        self.assertEqual(shown, 1)
        page.call("Input.insertText", text=" nothing")
        self.assertEqual(page.value(f"{LINES}.length + {BARS}.length"), 0)
        page.value("(() => { const f = document.getElementById('filter'); f.select(); })()")
        page.call("Input.insertText", text="")
        page.value("(() => { const f = document.getElementById('filter'); f.value = '';"
                   " f.dispatchEvent(new Event('input')); })()")
        self.assertEqual(page.value(f"{LINES}.length"), 25)
        self.assertGreater(page.value(f"{BARS}.length"), 60)

    def test_verdicts_are_found_too(self):
        page = self.open("four")
        self.type(page, "thriftier")
        self.assertEqual(set(self.column(page, "counter")), {"J/token", "joules, J"})

    def test_a_counter_is_chosen_by_keyboard(self):
        page = self.open("four")
        page.value("document.getElementById('counter').focus()")
        page.press("ArrowDown")
        self.assertEqual(set(self.column(page, "counter")), {"tok/s"})
        self.assertEqual(page.value("[...document.querySelectorAll('figure')].filter(f => !f.hidden).length"), 2)

    def test_long_charts_show_their_first_rows_until_asked(self):
        page = self.open("many")
        keys = "document.querySelectorAll('.chart .key').length"
        self.assertEqual(page.value(keys), 8)
        page.click(".more")
        self.assertEqual(page.value(keys), 200)
        page.click(".more")
        self.assertEqual(page.value(keys), 8)
        self.assertLess(self.file("many").stat().st_size, 400_000)


class Reading(PageTest):
    def sorted_as(self, page, key):
        return page.value(f"document.querySelector('#rows th[data-key=\"{key}\"]').getAttribute('aria-sort')")

    def test_the_table_sorts_both_ways_with_absent_values_last(self):
        page = self.open("four")
        self.assertEqual(self.sorted_as(page, "r1"), "none")
        before = self.column(page, "row")
        page.click('#rows th[data-key="r1"] button')
        self.assertEqual(self.sorted_as(page, "r1"), "ascending")
        ratios = [float(t.split("\u00d7")[0]) for t in self.column(page, "r1") if t]
        self.assertEqual(len(ratios), 24)
        self.assertEqual(ratios, sorted(ratios))
        page.value("document.querySelector('#rows th[data-key=\"r1\"] button').focus()")
        page.press("Enter")
        self.assertEqual(self.sorted_as(page, "r1"), "descending")
        ratios = [float(t.split("\u00d7")[0]) for t in self.column(page, "r1") if t]
        self.assertEqual(ratios, sorted(ratios, reverse=True))
        self.assertEqual(self.column(page, "r1")[-1], "")
        page.click('#rows th[data-key="r3"] button')
        self.assertEqual(self.sorted_as(page, "r1"), "none")
        texts = self.column(page, "r3")
        self.assertEqual([bool(t) for t in texts], [True] * 2 + [False] * 23)
        page.click('#rows th[data-key="row"] button')
        self.assertEqual(sorted(before), sorted(self.column(page, "row")))
        self.assertTrue(self.column(page, "row")[-1].startswith("gemm/4096"))  # numbers as numbers

    def test_medians_sort_within_their_counter(self):
        page = self.open("four")
        page.click('#rows th[data-key="v0"] button')
        values = {}
        for counter, value in zip(self.column(page, "counter"), self.column(page, "v0")):
            values.setdefault(counter, []).append(float(value))
        self.assertGreater(len(values), 3)
        for counter, list_of_one in values.items():
            self.assertEqual(list_of_one, sorted(list_of_one), counter)

    def test_hover_tells_all_of_a_bar(self):
        page = self.open("four")
        self.assertTrue(page.value(f"{TIP}.hidden"))
        page.hover('.chart [data-c="1"]')
        text = page.value(f"{TIP}.innerText")
        for part in ("decode/smollm2-135m/q4_0/ctx:512/cpu", "Made-up M7 Pro", "higher is better",
                     "95 % interval", "unclear (against Made-up Desktop 9000)", "why", "unsteady"):
            self.assertIn(part, text)
        self.shot(page, "compare_hover.png", whole=False)
        page.press("Escape")
        self.assertTrue(page.value(f"{TIP}.hidden"))

    def test_the_reason_of_a_verdict_is_told_on_hover_and_focus(self):
        page = self.open("four")
        page.hover("#rows .verdict.better")
        self.assertIn("why", page.value(f"{TIP}.innerText"))
        page.hover("h1")
        self.assertTrue(page.value(f"{TIP}.hidden"))
        page.value("document.querySelector('#rows thead tr:last-child th:last-child button').focus()")
        page.press("Tab")
        self.assertTrue(page.value("document.activeElement.matches('#rows .verdict')"))
        self.assertFalse(page.value(f"{TIP}.hidden"))
        first = page.value(f"{TIP}.innerText")
        page.press("ArrowDown")
        self.assertEqual(page.value("document.activeElement.dataset.c"), "1")
        self.assertNotEqual(page.value(f"{TIP}.innerText"), first)
        page.press("ArrowRight")
        self.assertEqual(page.value("document.activeElement.dataset.c"), "2")
        self.assertRegex(page.value("document.activeElement.getAttribute('aria-label')"),
                         r"^Made-up Desktop 9001, decode/.*verdict unclear .*why ")
        self.assertFalse(page.value(f"{TIP}.hidden"))

    def test_bars_are_reached_and_read_by_keyboard(self):
        page = self.open("four")
        stops = page.value("[...document.querySelectorAll('.chart')].map(c => "
                           "c.querySelectorAll('[tabindex=\"0\"]').length)")
        self.assertEqual(set(stops), {1})
        page.value("document.getElementById('counter').focus()")
        page.press("Tab")
        self.assertTrue(page.value("document.activeElement.matches('.chart [data-c=\"0\"]')"))
        page.press("ArrowDown")
        self.assertIn("Made-up M7 Pro", page.value(f"{TIP}.innerText"))
        page.press("End")
        self.assertIn("bf16", page.value(f"{TIP}.innerText"))
        page.press("Tab")  # the next chart
        self.assertIn("MBU", page.value(f"{TIP}.innerText"))

    def test_texts_from_files_stay_text(self):
        page = self.open("evil")
        self.assertEqual(page.value("typeof window.hurt"), "undefined")
        self.assertEqual(page.value("document.querySelectorAll('script').length"), 2)
        self.assertEqual(page.value("document.querySelectorAll('img').length"), 0)
        self.assertIn("<img src=x", self.column(page, "row")[0])
        page.hover('.chart [data-c="1"]')
        self.assertIn("</script><script>", page.value(f"{TIP}.innerText"))
        page.click("details summary")
        self.assertEqual(page.value("document.querySelectorAll('img').length"), 0)
        self.assertIn("<script>", page.value("document.querySelector('h1').textContent"))


if __name__ == "__main__":
    page_case.main()
