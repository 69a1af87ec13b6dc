# ASCI. `make help` explains itself; every target is one script in scripts/.
.DEFAULT_GOAL := help
.PHONY: help up down clean cluster cluster-down upgrade test-many user disable enable images test fuzz check bench bench-relay bench-scheduler lock logs status

help: ## shows this list
	@printf 'ASCI: desktops for scientists, from one command\n\n'
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort -t: -k1,1 | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'
	@printf '\nSettings: ASCI_PORT=9000 make up (remembered in .asci/settings.env) · docs/guides/operate.md\n'

up: ## starts ASCI: installs what is missing, builds images, prints the address and the accounts
	@scripts/up

down: ## stops ASCI and its sessions; homes and accounts stay
	@scripts/down

clean: ## removes everything that ASCI made here: containers, images, accounts, homes
	@scripts/clean

cluster: ## adds a cluster for trying it out: three nodes and a registry in containers
	@scripts/cluster

cluster-down: ## removes that cluster again; the installation goes on
	@scripts/cluster-down

upgrade: ## replaces the services one after the other by what stands here now; desktops go on
	@scripts/upgrade $(if $(filter 1,$(ALL)),--all)

user: ## adds a person or sets a new password: NAME=mara [FULLNAME="Mara Lee"] [ADMIN=1|0]
	@scripts/accounts add "$${NAME:-}" $(if $(filter 1,$(ADMIN)),--admin) $(if $(filter 0,$(ADMIN)),--no-admin) $${FULLNAME:+--fullname "$$FULLNAME"}

disable: ## keeps a person out and ends her sign-ins: NAME=mara
	@scripts/accounts disable "$${NAME:-}"

enable: ## lets a disabled person sign in again: NAME=mara
	@scripts/accounts enable "$${NAME:-}"

images: ## builds every image; FRESH=1: from nothing, with today's Debian packages
	@scripts/bootstrap && scripts/images $(if $(filter 1,$(FRESH)),--fresh)

test: ## runs every test suite on images and an installation of its own; SUITES="unit contract" chooses
	@scripts/test $(SUITES)

fuzz: ## fuzzes the relay for a while: MINUTES=5
	@MINUTES="$${MINUTES:-5}" scripts/fuzz

test-many: ## 500 starts at once on nodes that hold 300; some ten minutes on two cores
	@ASCI_TEST_STARTS=500 scripts/test chaos -- -k many_starts

check: ## judges the code: types, style, imports, scripts, Dockerfiles
	@scripts/check

bench: ## measures: click to picture, memory, sizes; prints a table
	@scripts/bench

bench-scheduler: ## measures placement on 1,000 and 10,000 nodes by simulation
	@scripts/bench-scheduler

bench-relay: ## measures the relay beside nginx, C forwarders and websockify; WRITE=1 puts the table into docs
	@scripts/bench-relay $(if $(filter 1,$(WRITE)),--write)

lock: ## renews the locked versions of Python and npm packages
	@scripts/lock

logs: ## follows what the services say; SERVICE=api chooses one
	@scripts/logs $(SERVICE)

status: ## shows services, sessions and what they use
	@scripts/status
