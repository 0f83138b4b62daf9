# What there is to do; each target does its own set-up. The work is in tools/*.sh.
#
#   make run ARGS="--port 4000"     what follows ARGS goes to build/shopstream
#   make sim SEED=42                one seed again, with what happens in it; REPEAT=1000: as often, the same each time
#   make sim SEEDS=1000             that many from 1 on, or a range: SEEDS=500-900
#   make fuzz MINUTES=5             each fuzz target for that long
#   make crash ARGS="--scenario refund"   a part of the kills alone
.DEFAULT_GOAL := help
.PHONY: help run test build pictures-avif screenshots lighthouse deps test-deps lint format san fuzz sim crash crash-quick bench coverage \
	engines engines-stop engines-status test-engines clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1@\2/p' Makefile | expand -t 1 | sed 's/@/\t/' | expand -t 20

run: ## build, then serve the shop on http://localhost:3000 (data in ./data; Ctrl-C stops it)
	@tools/setup.sh
	@tools/fetch_sources.sh
	@TARGETS='shopstream shopstream-render draw_pictures' tools/build.sh build
	@tools/frontend.sh
	@exec build/shopstream $(ARGS)

test: test-deps ## build and run every test; the last line is "N passed, N failed"
	@tools/build.sh build
	@tools/frontend.sh
	@tools/run_tests.py build

build: deps ## build everything into build/; the binary is build/shopstream
	@tools/build.sh build
	@tools/frontend.sh

pictures-avif: build ## the pictures once more as AVIF, which is smaller and takes minutes
	@build/draw_pictures --avif build/pictures

screenshots: test-deps ## every page of the shop as docs/screenshots shows it; ARGS="cart checkout" for a part
	@tools/build.sh build
	@tools/frontend.sh
	@tools/screenshots.sh $(ARGS)

lighthouse: test-deps ## accessibility, best practices and SEO of the pages by Lighthouse, and how fast they are (minutes)
	@tools/build.sh build
	@tools/frontend.sh
	@tools/lighthouse.sh

deps: ## install the Debian packages of deps/ and build the fetched sources
	@tools/setup.sh
	@tools/fetch_sources.sh

test-deps:
	@tools/setup.sh test
	@tools/fetch_sources.sh

lint: test-deps ## gcc and clang without a warning, the rules of the tree, shell scripts
	@tools/lint.sh

format: test-deps ## lay out the C files as .clang-format says
	@tools/format.sh

san: test-deps ## every test again under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/san.sh

fuzz: test-deps ## each tests/fuzz/fuzz_*.c under libFuzzer, 10 seconds each; MINUTES=5 for longer
	@tools/fuzz.sh $(if $(MINUTES),$$(($(MINUTES) * 60)),10)

sim: test-deps ## simulate the shop: 10,000 seeds, SEEDS=1000 for fewer, SEED=42 for one
	@tools/sim.sh $(if $(SEED),--seed $(SEED) $(if $(REPEAT),--repeat $(REPEAT),--verbose),--seeds $(or $(SEEDS),10000))

crash: test-deps ## each port call and allocation fails once; the shop is killed, and its disk fails, at each write (hours)
	@tools/crash.sh $(ARGS)

crash-quick: test-deps ## ten of those kills a scenario (a minute or two)
	@tools/crash.sh --sample 10

bench: test-deps ## measure, side by side with a bare epoll server
	@tools/bench.sh

coverage: test-deps ## line coverage of the whole suite; fails below 80 %
	@tools/coverage.sh

engines: ## start the real engines on loopback: Postgres, Redis, Kafka and Connect (the first time it fetches them)
	@infra/local/engines.sh start

engines-stop: ## stop them; their data stays in build/engines/state
	@infra/local/engines.sh stop

engines-status: ## what of them runs, where, and how much memory it takes
	@infra/local/engines.sh status

test-engines: test-deps ## the tests that need the real engines; each suite starts its own
	@tools/setup.sh engines
	@tools/build.sh build
	@tools/run_tests.py build engines

clean: ## remove what was built; downloads (build/deps, node, go, python, engines) and data/ stay
	@tools/clean.sh
