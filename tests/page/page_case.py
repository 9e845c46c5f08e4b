"""What tests of pages share: files made by a program of examples, one browser, no requests.

A test program ends with page_case.main(): `x_test.py MAKE_EXAMPLE [FOLDER]`, where screenshots go
to FOLDER where one is given. Exit 77: no Chromium, skipped.
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import devtools


class PageCase(unittest.TestCase):
    make_example = ""
    shots = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.browser = devtools.Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        cls.folder.cleanup()

    def file(self, kind):
        path = pathlib.Path(self.folder.name) / f"{kind}.html"
        if not path.exists():
            subprocess.run([self.make_example, kind, path], check=True)
        return path

    def open(self, kind, **options):
        page = self.browser.open(self.file(kind), **options)
        self.addCleanup(self.check_quiet, page, self.file(kind))
        return page

    def requests(self, page):
        return page.requests()

    def check_quiet(self, page, path):
        self.assertEqual(page.faults(), [])
        self.assertEqual(self.requests(page), [path.resolve().as_uri()])

    def shot(self, page, name, **options):
        if self.shots:
            page.screenshot(pathlib.Path(self.shots) / name, **options)


def main():
    if devtools.find() is None:
        print("skipped: there is no Chromium", file=sys.stderr)
        sys.exit(devtools.SKIPPED)
    PageCase.make_example = sys.argv[1]
    if len(sys.argv) > 2:
        PageCase.shots = sys.argv[2]
    unittest.main(argv=sys.argv[:1])
