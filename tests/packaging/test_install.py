# SPDX-License-Identifier: Apache-2.0
"""Installs the build into a folder of its own and looks at what arrives there, as TAP."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

BUILD = os.environ["GATEHOUSE_BUILD"]
SOURCE = os.environ["GATEHOUSE_SOURCE"]


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def installed(root):
    """Paths of the installed files below the prefix."""
    found = set()
    for folder, _, names in os.walk(root):
        found |= {os.path.relpath(os.path.join(folder, name), root) for name in names}
    return found


def install(destdir):
    done = run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", destdir)
    assert done.returncode == 0, done.stdout + done.stderr


def prefix_of(destdir):
    for folder, folders, _ in os.walk(destdir):
        if "bin" in folders:
            return folder
    raise AssertionError("nothing was installed into a folder called bin")


def everything_a_package_needs_is_there(root):
    files = installed(root)
    wanted = ["bin/gatehouse", "bin/okta-sim", "lib/systemd/system/gatehouse.service",
              "share/man/man1/gatehouse.1", "share/man/man1/okta-sim.1",
              "share/doc/gatehouse/gatehouse.yml.example", "share/doc/gatehouse/README.md",
              "share/gatehouse/prometheus/gatehouse.rules.yml", "share/gatehouse/grafana/gatehouse.json"]
    missing = [path for path in wanted if path not in files]
    assert not missing, f"missing: {missing}; there are: {sorted(files)}"


def the_installed_programs_run(root):
    for name, option in (("gatehouse", "--version"), ("okta-sim", "--help")):
        done = run(f"{root}/bin/{name}", option)
        assert done.returncode == 0, done.stderr
        assert re.search(r"\d+\.\d+\.\d+|usage", done.stdout), done.stdout


def the_unit_starts_the_installed_program(root):
    with open(f"{root}/lib/systemd/system/gatehouse.service", encoding="utf-8") as file:
        text = file.read()
    program = re.search(r"^ExecStart=(\S+)", text, re.MULTILINE).group(1)
    assert root.endswith(os.path.dirname(os.path.dirname(program))), program
    assert "MemoryDenyWriteExecute=yes" not in text, "PCRE2's JIT needs it off"


def systemd_accepts_the_unit(root):
    if not shutil.which("systemd-analyze"):
        return "systemd-analyze is not installed"
    path = f"{root}/lib/systemd/system/gatehouse.service"
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"=/\S*/bin/gatehouse", f"={root}/bin/gatehouse", file.read())
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    done = run("systemd-analyze", "verify", "--man=no", path)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "gatehouse" in line]
    assert done.returncode == 0 and not ours, done.stdout + done.stderr
    return None


def the_unit_leaves_little_to_an_intruder(root):
    """By systemd's own measure: 0.0 is no exposure at all, 10.0 all of it."""
    if not shutil.which("systemd-analyze"):
        return "systemd-analyze is not installed"
    done = run("systemd-analyze", "security", "--offline=true", "--no-pager",
               f"{root}/lib/systemd/system/gatehouse.service")
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposure and float(exposure.group(1)) < 2.0, done.stdout[-400:] + done.stderr
    return None


def the_example_settings_are_right(root):
    with tempfile.TemporaryDirectory() as credentials:
        with open(f"{credentials}/okta-api-key", "w") as f:
            f.write("00token")
        done = run(f"{root}/bin/gatehouse", "test", "config", "-c",
                   f"{root}/share/doc/gatehouse/gatehouse.yml.example",
                   env={**os.environ, "CREDENTIALS_DIRECTORY": credentials})
    assert done.returncode == 0, done.stdout + done.stderr


def no_installed_page_is_unreadable(root):
    if not shutil.which("mandoc"):
        return "mandoc is not installed"
    folder = f"{root}/share/man"
    pages = [f"{folder}/{path}" for path in installed(folder)]
    assert pages
    done = run("mandoc", "-Tlint", "-Werror", *pages)
    assert done.returncode == 0, done.stdout + done.stderr
    return None


CASES = [everything_a_package_needs_is_there, the_installed_programs_run,
         the_unit_starts_the_installed_program, systemd_accepts_the_unit,
         the_unit_leaves_little_to_an_intruder, the_example_settings_are_right,
         no_installed_page_is_unreadable]


def main():
    print(f"1..{len(CASES)}", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory() as destdir:
        install(destdir)
        root = prefix_of(destdir)
        for number, case in enumerate(CASES, 1):
            try:
                skip = case(root)
                print(f"ok {number} - {case.__name__}" + (f" # SKIP {skip}" if skip else ""))
            except (AssertionError, OSError) as problem:
                failed += 1
                print(f"not ok {number} - {case.__name__}")
                print("# " + str(problem).replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
