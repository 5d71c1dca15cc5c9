"""The library of Yjs documents, installed, found by CMake and by pkg-config, and used."""

import os
import pathlib
import re
import subprocess

from support import BINARY, ROOT, ProcessTest

BUILD = pathlib.Path(BINARY).parent
PROGRAM = ROOT / "tests" / "process" / "yjs_library.cpp"
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(app LANGUAGES CXX)
find_package(tandem-yjs 0.1 REQUIRED)
add_executable(app "{program}")
target_compile_features(app PRIVATE cxx_std_20)
target_link_libraries(app tandem::yjs)
"""


class YjsLibrary(ProcessTest):
    def setUp(self):
        super().setUp()
        self.prefix = os.path.join(self.folder, "prefix")
        self.succeed("cmake", "--install", str(BUILD), "--component", "yjs", "--prefix", self.prefix)
        cache = (BUILD / "CMakeCache.txt").read_text(encoding="utf-8")
        sanitizers = re.search(r"^TANDEM_SANITIZE:\w+=(.*)$", cache, re.M)[1]
        self.flags = [f"-fsanitize={sanitizers}"] if sanitizers else []

    def succeed(self, *command, environment=None):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False,
                              env={**os.environ, **(environment or {})})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_cmake_finds_it(self):
        project, out = os.path.join(self.folder, "project"), os.path.join(self.folder, "out")
        os.mkdir(project)
        pathlib.Path(project, "CMakeLists.txt").write_text(PROJECT.format(program=PROGRAM), encoding="utf-8")
        self.succeed("cmake", "-G", "Ninja", "-S", project, "-B", out, f"-DCMAKE_PREFIX_PATH={self.prefix}",
                     "-DCMAKE_CXX_FLAGS=" + " ".join(self.flags))
        self.succeed("cmake", "--build", out)
        self.assertEqual(self.succeed(os.path.join(out, "app")), 'hello "hello"\n')

    def test_pkg_config_finds_it(self):
        where = {"PKG_CONFIG_PATH": os.path.join(self.prefix, "lib", "pkgconfig")}
        program = os.path.join(self.folder, "app")
        found = self.succeed("pkg-config", "--cflags", "--libs", "tandem-yjs", environment=where).split()
        self.succeed(os.environ.get("CXX", "c++"), "-std=c++20", "-Wall", "-Wextra", "-Werror", *self.flags, str(PROGRAM), "-o", program, *found)
        self.assertEqual(self.succeed(program), 'hello "hello"\n')

    def test_the_headers_that_are_installed_are_whole(self):
        headers = pathlib.Path(self.prefix, "include", "tandem-yjs")
        names = sorted(str(path.relative_to(headers)) for path in headers.glob("*/*.hpp"))
        self.assertIn("yjs/document.hpp", names)
        self.assertNotIn("yjs/document_testing.hpp", names)
        all_of_them = "".join(f'#include "{name}"\n' for name in names)
        source = self.write_file("all.cpp", all_of_them)
        self.succeed(os.environ.get("CXX", "c++"), "-std=c++20", "-fsyntax-only", "-I", str(headers), "-I", os.path.join(self.prefix, "include"), source)
