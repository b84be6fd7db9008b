# SPDX-License-Identifier: Apache-2.0
# Convenience targets over Meson; see README.md. `make help` lists them.

BUILD ?= build
MESON ?= meson

.PHONY: help build deps check test demo bench install clean format

help:
	@echo 'make demo     install what is needed, build, and see the main job done'
	@echo 'make build    build the programs: build/gatehouse and build/okta-sim'
	@echo 'make check    the quick tests: nothing installed, no network, under a minute'
	@echo 'make test     every test, against the real components'
	@echo 'make bench    the benchmarks, each as a ratio against a reference'
	@echo 'make install  install (DESTDIR and prefix are honoured)'

deps:
	@tools/deps build

build: deps
	@tools/build release

check:
	@tools/check

test:
	@tools/deps test
	@tools/test

demo: build
	@tools/demo

bench:
	@tools/deps bench
	@tools/build release
	@bench/run

install: build
	@DESTDIR="$(DESTDIR)" $(MESON) install -C $(BUILD) --no-rebuild $(if $(prefix),,)

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf build build-*
