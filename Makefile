# What there is to do. `make run` and `make test` set up whatever they need.
.PHONY: build
build:
	@tools/fetch_sources.sh
	@tools/build.sh build
