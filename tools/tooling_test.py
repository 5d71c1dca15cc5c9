"""Tests of the checks themselves: each finds the violation that is planted for it, and passes without."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))
import gen_errors
import lint
import symbols
import test as runner
from layers import read_layers


class TemporaryFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-tools-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


class Lint(TemporaryFolder):
    def setUp(self):
        super().setUp()
        self.write("cmake/layers.txt", (ROOT / "cmake/layers.txt").read_text(encoding="utf-8"))

    def findings(self, check):
        return list(check(lint.Tree(self.root)))

    def test_an_include_of_a_folder_that_is_not_allowed_is_found(self):
        self.write("src/record/good.hpp", '#pragma once\n#include "base/result.hpp"\n#include "record/op.hpp"\n')
        self.assertEqual(self.findings(lint.check_includes), [])
        self.write("src/record/bad.hpp", '#pragma once\n#include "hub/channel.hpp"\n')
        self.assertEqual(self.findings(lint.check_includes),
                         ["src/record/bad.hpp:2: record may not include hub/channel.hpp"])

    def test_stores_buses_and_the_net_do_not_see_each_other(self):
        for layer, other in (("store", "bus"), ("bus", "net"), ("net", "store")):
            self.write(f"src/{layer}/some/file.cpp", f'#include "{other}/x.hpp"\n')
        self.assertEqual(len(self.findings(lint.check_includes)), 3)

    def test_an_include_without_its_folder_is_found(self):
        self.write("src/base/a.cpp", '#include "bytes.hpp"\n')
        self.assertEqual(len(self.findings(lint.check_includes)), 1)

    def test_header_rules(self):
        self.write("src/base/good.hpp", "#pragma once\n// using namespace is for tests\n")
        self.assertEqual(self.findings(lint.check_headers), [])
        self.write("src/base/bad.hpp", "using namespace std;\n")
        self.assertEqual(len(self.findings(lint.check_headers)), 2)

    def test_a_file_past_the_limit_is_found(self):
        self.write("src/base/long.cpp", "\n" * 1000)
        self.assertEqual(self.findings(lint.check_length), [])
        self.write("src/base/long.cpp", "\n" * 1001)
        self.assertEqual(len(self.findings(lint.check_length)), 1)

    def test_words(self):
        self.write("docs/good.md", "See https://example.com/work/item and ./work/x, or a root/path.\n")
        self.assertEqual(self.findings(lint.check_words), [])
        self.write("docs/bad.md", "Look in /" + "root/notes.\n")
        self.write("package-lock.json", '"resolved": "https://registry.npm' + 'js.org/x"\n')
        self.write("src/base/bad.cpp", "// TO" + "DO\n")
        self.assertEqual(len(self.findings(lint.check_words)), 3)

    def test_headers_of_the_system_are_not_for_pure_layers(self):
        self.write("src/net/good.cpp", "#include <thread>\n")
        self.write("src/hub/good_test.cpp", "#include <thread>\n")
        self.assertEqual(self.findings(lint.check_core), [])
        self.write("src/hub/bad.cpp", "#include <thread>\n")
        self.assertEqual(len(self.findings(lint.check_core)), 1)


PLANTED = {
    "sockets": "#include <sys/socket.h>\nint f() { return socket(1, 2, 3); }",
    "files": "#include <fcntl.h>\nint f() { return open(\"x\", 0); }",
    "stdio": "#include <cstdio>\nvoid f(int n) { std::printf(\"%d\", n); }",
    "clocks": "#include <chrono>\nauto f() { return std::chrono::steady_clock::now(); }",
    "threads": "#include <mutex>\nstd::mutex& f();\nvoid g() { std::lock_guard lock(f()); }",
    "randomness": "#include <random>\nunsigned f() { return std::random_device{}(); }",
    "iostream": "#include <iostream>\nvoid f() { std::cout << 1; }",
    "environment": "#include <cstdlib>\nchar* f() { return std::getenv(\"X\"); }",
    "exceptions": "void f() { throw 1; }",
    "run-time types": "struct A { virtual ~A(); };\nstruct B : A {};\nB* f(A* a) { return dynamic_cast<B*>(a); }",
    "mutable variable": "static int calls = 0;\nint f() { return ++calls; }",
}
CLEAN = """
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
constexpr int kTable[] = {3, 1, 2};
static constexpr std::string_view kNames[] = {"a", "b"};
struct Base { virtual ~Base() = default; virtual int f() = 0; };
struct Derived : Base { int f() override { return kTable[0]; } };
std::unique_ptr<Base> make() { return std::make_unique<Derived>(); }
std::shared_ptr<Base> share() { return std::make_shared<Derived>(); }
std::string text(int i) { return std::string(kNames[i & 1]) + std::to_string(i); }
int count(const std::map<std::string, std::variant<int, double>>& m) { return static_cast<int>(m.size()); }
"""


@unittest.skipUnless(shutil.which("g++") and shutil.which("nm"), "needs g++ and nm")
class Symbols(TemporaryFolder):
    def subjects(self, code, *flags):
        self.write("planted.cpp", code)
        target = self.root / "planted.o"
        subprocess.run(["g++", "-std=c++20", "-O1", *flags, "-c", "-o", target, self.root / "planted.cpp"], check=True)
        return {subject for _, subject, _ in symbols.violations(str(target))}

    def test_every_kind_of_violation_is_found(self):
        for subject, code in PLANTED.items():
            with self.subTest(subject):
                self.assertIn(subject, self.subjects(code))

    def test_clean_code_passes(self):
        self.assertEqual(self.subjects(CLEAN, "-fno-exceptions", "-fno-rtti"), set())

    def test_every_subject_of_the_list_has_names(self):
        self.assertEqual(symbols.judge_use("clock_gettime@GLIBC_2.17"), "clocks")
        self.assertEqual(symbols.judge_use("epoll_wait"), "waiting")
        self.assertIsNone(symbols.judge_use("memcpy"))
        self.assertIsNone(symbols.judge_use("tandem::wire::read(std::basic_string_view<char>)"))


@unittest.skipUnless(shutil.which("cmake") and shutil.which("ninja"), "needs cmake and ninja")
class Layers(TemporaryFolder):
    """Builds a small project with the real cmake/tandem.cmake."""

    def setUp(self):
        super().setUp()
        shutil.copytree(ROOT / "cmake", self.root / "cmake")
        self.write("CMakeLists.txt", """cmake_minimum_required(VERSION 3.25)
project(layers LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 20)
include(cmake/tandem.cmake)
add_library(tandem_warnings INTERFACE)
add_subdirectory(src/base)
add_subdirectory(src/clock)
add_subdirectory(src/record)
""")
        self.write("src/base/CMakeLists.txt", "tandem_layer(base DEPS)\n")
        self.write("src/base/base.cpp", "int base_value() { return 1; }\n")
        self.write("src/clock/CMakeLists.txt", "tandem_layer(clock DEPS base)\n")
        self.write("src/clock/clock.cpp", "int base_value();\nint clock_value() { return base_value(); }\n")
        self.write("src/record/CMakeLists.txt", "tandem_layer(record DEPS base)\n")
        self.write("src/record/record.cpp", "int base_value();\nint record_value() { return base_value(); }\n")

    def build(self):
        """The step that fails, "configure" or "build", with its output; (None, "") when both succeed."""
        for step, command in (("configure", ["cmake", "-G", "Ninja", "-S", self.root, "-B", self.root / "out"]),
                              ("build", ["cmake", "--build", self.root / "out"])):
            run = subprocess.run(command, capture_output=True, text=True)
            if run.returncode != 0:
                return step, run.stdout + run.stderr
        return None, ""

    def test_declared_uses_build(self):
        self.assertEqual(self.build(), (None, ""))

    def test_a_dependency_outside_the_table_is_refused(self):
        self.write("src/clock/CMakeLists.txt", "tandem_layer(clock DEPS base record)\n")
        step, output = self.build()
        self.assertEqual(step, "configure")
        self.assertIn("may not depend on 'record'", " ".join(output.split()))

    def test_an_unknown_folder_is_refused(self):
        self.write("src/record/CMakeLists.txt", "tandem_layer(records DEPS base)\n")
        self.assertEqual(self.build()[0], "configure")

    def test_an_undeclared_use_fails_to_link(self):
        # Nothing calls unused(); linking the whole archive still needs what it names.
        self.write("src/record/record.cpp", "int clock_value();\nint unused() { return clock_value(); }\n")
        step, output = self.build()
        self.assertEqual(step, "build")
        self.assertIn("clock_value", output)

    def test_a_pure_layer_cannot_throw_or_ask_for_types(self):
        self.write("src/record/record.cpp", "int unused() { throw 1; }\n")
        self.assertEqual(self.build()[0], "build")
        self.write("src/record/record.cpp", "struct A { virtual ~A() {} }; struct B : A {};\n"
                                            "B* unused(A* a) { return dynamic_cast<B*>(a); }\n")
        self.assertEqual(self.build()[0], "build")

    def test_the_table_names_no_cycle(self):
        allowed, pure = read_layers(ROOT / "cmake/layers.txt")
        for layer, uses in allowed.items():
            for used in uses:
                self.assertIn(used, allowed)
                self.assertNotIn(layer, allowed[used])
            if layer in pure:
                self.assertLessEqual(uses, pure)


class Errors(unittest.TestCase):
    def test_strings_of_several_literals_are_joined(self):
        text = 'TANDEM_ERROR(one, 1, "A \\"b\\" "\n    "c.", "d.")\n'
        self.assertEqual(gen_errors.read_catalogue(text), [("one", 1, 'A "b" c.', "d.")])

    def test_an_entry_of_another_form_is_refused(self):
        with self.assertRaises(SystemExit):
            gen_errors.read_catalogue('TANDEM_ERROR(one, "1", "a.", "b.")\n')
        with self.assertRaises(SystemExit):
            gen_errors.read_catalogue('TANDEM_ERROR(one, 999, "a.", "b.")\n')


class Counting(TemporaryFolder):
    def report(self, value):
        self.write("report.json", json.dumps(value))
        return self.root / "report.json"

    def test_gtest(self):
        cases = [{"status": "RUN", "result": "COMPLETED"},
                 {"status": "RUN", "result": "COMPLETED", "failures": [{"failure": "x"}]},
                 {"status": "RUN", "result": "SKIPPED"}, {"status": "NOTRUN", "result": "SUPPRESSED"}]
        path = self.report({"testsuites": [{"testsuite": cases}]})
        self.assertEqual(runner.read_gtest(path), runner.Counts(1, 1, 2))

    def test_node_sums_its_runs(self):
        tap = "# tests 3\n# pass 2\n# fail 1\n# cancelled 0\n# skipped 0\n# todo 0\n"
        spec = "\x1b[34mℹ pass 4\x1b[39m\nℹ fail 0\nℹ cancelled 1\nℹ skipped 2\n"
        self.assertEqual(runner.read_node(tap + spec), runner.Counts(6, 2, 2))

    def test_unittest(self):
        self.assertEqual(runner.read_unittest("Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)\n"),
                         runner.Counts(2, 2, 1))
        self.assertEqual(runner.read_unittest("Ran 5 tests in 0.1s\n\nOK\n"), runner.Counts(5, 0, 0))

    def test_simulator_and_fuzzing(self):
        path = self.report({"seeds": 10, "violations": 2, "planted": {"found": 3, "of": 4}})
        self.assertEqual(runner.read_sim(path), runner.Counts(11, 3))
        path = self.report({"targets": [{"name": "a", "execs": 5, "crashes": 0}, {"name": "b", "execs": 0, "crashes": 0},
                                        {"name": "c", "execs": 5, "crashes": 1}]})
        self.assertEqual(runner.read_fuzz(path), runner.Counts(1, 2))

    def test_a_suite_without_cases_and_a_crash_are_failures(self):
        log = runner.Log("tooling-test")
        self.assertEqual(runner.judge(runner.Counts(), 0, log, "x"), runner.Counts(failed=1))
        self.assertEqual(runner.judge(runner.Counts(passed=3), 139, log, "x"), runner.Counts(3, 1))
        self.assertEqual(runner.judge(runner.Counts(3, 1), 1, log, "x"), runner.Counts(3, 1))
        self.assertEqual(runner.judge(runner.Counts(3), 0, log, "x"), runner.Counts(3))


if __name__ == "__main__":
    unittest.main()
