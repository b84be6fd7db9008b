# SPDX-License-Identifier: Apache-2.0
# Convenience targets over Meson; see README.md. `make help` lists them.

# `make install prefix=/usr`: the build has to know it, too (/usr/local otherwise).
export prefix

.PHONY: help build deps check test demo demo-gate demo-search bench install clean format

help:
	@echo 'make demo       install what is needed, build, and see the main job done'
	@echo 'make demo-gate  the same for the gate: a push, a denial, the guard'
	@echo 'make demo-search the log in a real Elasticsearch, and questions to it'
	@echo 'make build      build the programs: build/gatehouse and build/okta-sim'
	@echo 'make check      the quick tests: nothing installed, no network, under a minute'
	@echo 'make test       every test, against the real components'
	@echo 'make bench      the benchmarks, each as a ratio against a reference'
	@echo 'make install    install (DESTDIR and prefix are honoured)'
	@echo 'make format     lay the sources out by .clang-format'
	@echo 'make clean      remove every build folder'

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

demo-gate: build
	@tools/demo-gate

demo-search: build
	@tools/deps search
	@tools/demo-search

bench:
	@tools/deps bench
	@tools/build bench
	@bench/run

install: build
	@DESTDIR="$(DESTDIR)" meson install -C build --no-rebuild

format:
	@find src sim tests bench -name '*.[ch]' -exec clang-format -i {} +

clean:
	rm -rf build build-*
