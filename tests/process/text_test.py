"""`tandem text` on files that Yjs could have written."""

import json
import os
import subprocess
import tempfile
import unittest

from support import BINARY

# Client 1 types "ab" into the root "t", then "c" behind it; client 2 sets a key of the map "m".
FIRST = bytes([1, 1, 1, 0, 4, 1, 1]) + b"t" + bytes([2]) + b"ab" + bytes([0])
SECOND = bytes([1, 1, 1, 2, 0x84, 1, 1, 1]) + b"c" + bytes([0])
MAP = bytes([1, 1, 2, 0, 0x28, 1, 1]) + b"m" + bytes([1]) + b"k" + bytes([1, 0x7D, 5, 0])


class Text(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.first, self.second, self.map = (self.file(name, data) for name, data in
                                             (("first", FIRST), ("second", SECOND), ("map", MAP)))

    def file(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as out:
            out.write(data)
        return path

    def text(self, *arguments, code=0, stdin=b""):
        done = subprocess.run([BINARY, "text", *arguments], input=stdin, capture_output=True)
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return done.stdout if code == 0 else done.stderr.decode()

    def test_merged_and_shown(self):
        merged = self.file("merged", self.text("merge", self.map, self.second, self.first))
        self.assertEqual(json.loads(self.text("json", merged)), {"t": "abc", "m": {"k": 5}})
        self.assertEqual(self.text("state-vector", merged), bytes([2, 2, 1, 1, 3]))

    def test_what_is_missing(self):
        merged = self.file("merged", self.text("merge", self.first, self.second, self.map))
        vector = self.file("vector", self.text("state-vector", self.first))
        missing = self.text("diff", merged, vector)
        self.assertEqual(missing, self.text("diff", merged, self.first))
        self.assertEqual(json.loads(self.text("json", self.first, "-", stdin=missing)), {"t": "abc", "m": {"k": 5}})

    def test_encodings(self):
        second_encoding = self.file("v2", self.text("convert", self.first))
        self.assertEqual(self.text("convert", "--from", "v2", second_encoding), FIRST)
        self.assertIn("--from v2", self.text("json", second_encoding, code=1))
        self.assertEqual(json.loads(self.text("json", "--from", "v2", second_encoding)), {"t": "ab"})

    def test_what_is_wrong_is_said(self):
        bad = self.file("bad", b"\xff\xff\xff")
        self.assertIn("bad is not a Yjs update of encoding v1", self.text("merge", self.first, bad, code=1))
        self.assertIn("cannot read", self.text("merge", self.first, os.path.join(self.folder, "none"), code=1))
        self.assertIn("cannot read", self.text("json", self.folder, code=1))
        self.assertIn("neither a state vector nor an update", self.text("diff", self.first, bad, code=1))
        self.assertIn("NAME:KIND", self.text("json", self.first, "--root", "t", code=2))


if __name__ == "__main__":
    unittest.main()
