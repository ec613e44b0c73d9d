# SPDX-License-Identifier: GPL-2.0
# Builds the module, the library, the command and the tests into build/;
# `make help` lists the goals.  The module's object list is in Kbuild.

VERSION	:= 0.1.0
B	:= build
CC	:= gcc
AR	:= ar
CFLAGS	?= -O2 -g
WARN	:= -Wall -Wextra
CPPFLAGS := -DIPCX_VERSION='"$(VERSION)"' -Iulib/include -Ikmod/uapi -Itests/lib
ALLFLAGS = -std=gnu11 $(CFLAGS) $(WARN) $(CPPFLAGS) -MMD -MP
SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

PREFIX	?= /usr/local
LIBDIR	?= $(PREFIX)/lib
MANDIR	?= $(PREFIX)/share/man
UDEVDIR	?= /lib/udev/rules.d
DKMSDIR	?= /usr/src/ipcx-$(VERSION)

# KERNEL=6.1, 6.12 or a release; by default the running kernel, or else 6.1.
KERNEL	?= default
KERNEL_OF_CHECK := 6.1 6.12
release	= $(or $(shell tools/vm/kernel release $(1)),$(error no headers for kernel '$(1)' here: 'make deps' \
	  installs those of the reference kernel))

Q	:= $(if $(V),,@)
say	= $(if $(V),,@echo '  $(1)	$(2)';)
step	:= tools/vm/step

LIB_SRC	:= $(wildcard ulib/*.c)
TOOL_SRC := $(wildcard tools/ipcx/*.c tools/ipcx/bench/*.c tools/ipcx/trace/*.c)
TEST_LIB_SRC := $(wildcard tests/lib/*.c)
UNIT_SRC := $(wildcard tests/unit/*.c)
SYS_SRC	:= $(wildcard tests/sys/*.c)
FUZZ_SRC := $(wildcard tests/fuzz/*.c)
FAIL_NTH_SRC := tests/fail-nth/Kbuild tests/fail-nth/ipcx-fail-nth.c
KMOD_SRC := Kbuild $(wildcard kmod/*.[ch] kmod/uapi/linux/*.h)

LIB_OBJ	:= $(LIB_SRC:%.c=$(B)/obj/%.o)
LIB_PIC	:= $(LIB_SRC:%.c=$(B)/pic/%.o)
LIB_ASAN := $(LIB_SRC:%.c=$(B)/asan/%.o)
TOOL_OBJ := $(TOOL_SRC:%.c=$(B)/obj/%.o)
TEST_OBJ := $(TEST_LIB_SRC:%.c=$(B)/obj/%.o)
TEST_ASAN := $(TEST_LIB_SRC:%.c=$(B)/asan/%.o)
UNIT	:= $(UNIT_SRC:%.c=$(B)/%)
UNIT_ASAN := $(UNIT_SRC:tests/unit/%.c=$(B)/tests/unit-asan/%)
SYS	:= $(SYS_SRC:%.c=$(B)/%)
FUZZERS	:= $(FUZZ_SRC:%.c=$(B)/%)

LIBS	:= -lrt -lpthread
ifneq ($(shell grep -lsE 'include <(liburing|ipcx-uring).h>' $(TOOL_SRC) $(SYS_SRC)),)
LIBS	+= -luring
endif

.PHONY: all user module modules test-modules all-test-modules demo check check-debug check-kernels check-model check-mutants coverage stress soak histories fuzz vm bench count readme trace-demo load unload install uninstall lint help \
	clean deps tests
.DELETE_ON_ERROR:
.SECONDARY:

# Message libraries that the bench compares with, if they are installed (PEER_ROOT: elsewhere).
peer	= $(if $(wildcard $(PEER_ROOT)/usr/include/$(1)),$(2))
PEER_FLAGS := $(call peer,zmq.h,-DHAVE_ZMQ) $(call peer,nng/nng.h,-DHAVE_NNG) $(call peer,ck_ring.h,-DHAVE_CK)
PEER_LIBS := $(call peer,zmq.h,-lzmq) $(call peer,nng/nng.h,-lnng)
ifneq ($(PEER_ROOT),)
PEER_FLAGS += -isystem $(PEER_ROOT)/usr/include
PEER_LIBS += -L$(PEER_ROOT)/usr/lib/x86_64-linux-gnu -Wl,--allow-shlib-undefined
endif
$(B)/obj/tools/ipcx/bench/mech-peers.o: CPPFLAGS += $(PEER_FLAGS)

# ipcx trace: reading the kernel's trace, and the offsets in its structures.
$(B)/obj/tools/ipcx/trace/collect.o: CPPFLAGS += -I/usr/include/tracefs -I/usr/include/traceevent
TRACE_LIBS := -ltracefs -ltraceevent -lbpf

# Shared linking of the library's own name; libipcx.so is what -lipcx finds.
SO	:= $(B)/libipcx.so.$(VERSION)

all: user module

user: $(B)/ipcx $(B)/libipcx.a $(B)/libipcx.so $(B)/vm-init $(B)/vm-tsc-khz

module:
	$(Q)$(MAKE) --no-print-directory $(B)/kmod-$(call release,$(KERNEL))/ipcx.ko
	$(Q)ln -sf kmod-$(call release,$(KERNEL))/ipcx.ko $(B)/ipcx.ko

modules:
	$(Q)$(MAKE) --no-print-directory \
		$(foreach k,$(KERNEL_OF_CHECK),$(B)/kmod-$(call release,$(k))/ipcx.ko)

# What only tests load: the module with pause points (tests/sys/schedules), and one that fails allocations (tests/fail-nth).
test-modules:
	$(Q)$(MAKE) --no-print-directory $(call test_modules,$(KERNEL))

all-test-modules:
	$(Q)$(MAKE) --no-print-directory $(foreach k,$(KERNEL_OF_CHECK),$(call test_modules,$(k)))

test_modules = $(B)/pause-$(call release,$(1))/ipcx.ko $(B)/fail-nth-$(call release,$(1))/ipcx-fail-nth.ko

# Type information for BPF needs pahole, which headers that are only fetched do not bring.
BTF	= $(if $(shell command -v pahole),,CONFIG_DEBUG_INFO_BTF_MODULES=)

# kbuild writes beside the sources, so each kernel gets a tree of links: what it is told as, of what, with what.
define build_module
	$(Q)rm -rf $(@D)/kmod && mkdir -p $(@D)
	$(Q)cp -rsf $(addprefix $(CURDIR)/,$(2)) $(@D)/
	$(Q)$(step) '$(1)' tools/vm/kernel make $* $(CURDIR)/$(@D) $(BTF) $(KFLAGS) $(3)
	$(Q)touch $@
endef

# A kernel that is built here keeps its release whatever options it gets: what was made for it has to be made again.
built_kernel = $(wildcard $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ipcx/headers-$(1)/version)
.SECONDEXPANSION:

$(B)/kmod-%/ipcx.ko: $(KMOD_SRC) $$(call built_kernel,$$*)
	$(call build_module,module for $*,Kbuild kmod)

$(B)/pause-%/ipcx.ko: $(KMOD_SRC) $$(call built_kernel,$$*)
	$(call build_module,module for $* with pause points,Kbuild kmod,IPCX_PAUSE=y)

$(B)/fail-nth-%/ipcx-fail-nth.ko: $(FAIL_NTH_SRC) $$(call built_kernel,$$*)
	$(call build_module,failing allocations for $*,$(FAIL_NTH_SRC))

$(B)/obj/%.o: %.c
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(ALLFLAGS) -c -o $@ $<

$(B)/pic/%.o: %.c
	$(call say,CC,$< (shared))mkdir -p $(@D) && $(CC) $(ALLFLAGS) -fPIC -c -o $@ $<

$(B)/asan/%.o: %.c
	$(call say,CC,$< (sanitizers))mkdir -p $(@D) && $(CC) $(ALLFLAGS) $(SANITIZE) -c -o $@ $<

$(B)/libipcx.a: $(LIB_OBJ)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(B)/libipcx-asan.a: $(LIB_ASAN)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libtest.a: $(TEST_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libtest-asan.a: $(TEST_ASAN)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(SO): $(LIB_PIC) ulib/libipcx.map
	$(call say,LD,$@)$(CC) -shared -Wl,-soname,libipcx.so.0 -Wl,--version-script=ulib/libipcx.map \
		-Wl,-z,defs $(LDFLAGS) -o $@ $(LIB_PIC)

$(B)/libipcx.so: $(SO)
	$(Q)ln -sf $(notdir $(SO)) $(B)/libipcx.so.0 && ln -sf libipcx.so.0 $@

$(B)/ipcx: $(TOOL_OBJ) $(B)/libipcx.a
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ $(PEER_LIBS) $(TRACE_LIBS) $(LIBS) -lm

# The machine's first process; static, because it runs before anything else is there.
$(B)/vm-init: $(addprefix tools/vm/,init.c job.c klog.c init.h)
	$(call say,CC,$@)mkdir -p $(@D) && $(CC) -std=gnu11 -O2 $(WARN) -static -o $@ $(filter %.c,$^)

$(B)/vm-tsc-khz: tools/vm/tsc-khz.c
	$(call say,CC,$@)mkdir -p $(@D) && $(CC) -std=gnu11 -O2 $(WARN) -o $@ $<

# Loaded by QEMU, for tools/vm/profile.
$(B)/profile-plugin.so: tools/vm/profile-plugin.c
	$(call say,CC,$@)mkdir -p $(@D) && $(CC) -std=gnu11 -O2 $(WARN) -fPIC -fvisibility=hidden -shared -o $@ $<

$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(B)/libtest.a $(B)/libipcx.a
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/tests/unit-asan/%: $(B)/asan/tests/unit/%.o $(B)/libtest-asan.a $(B)/libipcx-asan.a
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) $(SANITIZE) -o $@ $^ $(LIBS)

$(B)/tests/sys/%: $(B)/obj/tests/sys/%.o $(B)/libtest.a $(B)/libipcx.a
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

# What parses or trusts foreign bytes in user space, for libFuzzer, which is clang's.  The library is built so that a peer may
# write at each of its loads: tests/fuzz/hostile.h.
FUZZ_CC	:= clang
FUZZ_SAN := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined,float-cast-overflow \
	-fno-sanitize-recover=all
FUZZ_FLAGS = -std=gnu11 $(FUZZ_SAN) $(WARN) -Wno-missing-field-initializers -Wno-unused-function $(CPPFLAGS) \
	-I/usr/include/tracefs -I/usr/include/traceevent -Itools/ipcx -Iulib -D_GNU_SOURCE= -MMD -MP
FUZZ_TOOL := $(filter-out $(B)/fuzz/tools/ipcx/main.o,$(TOOL_SRC:%.c=$(B)/fuzz/%.o))

$(B)/fuzz/ulib/%.o: ulib/%.c tests/fuzz/hostile.h
	$(call say,CC,$< (fuzzers))mkdir -p $(@D) && \
		$(FUZZ_CC) $(FUZZ_FLAGS) -include tests/fuzz/hostile.h -c -o $@ $<

$(B)/fuzz/%.o: %.c
	$(call say,CC,$< (fuzzers))mkdir -p $(@D) && $(FUZZ_CC) $(FUZZ_FLAGS) -c -o $@ $<

$(B)/fuzz/libipcx.a: $(LIB_SRC:%.c=$(B)/fuzz/%.o)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/fuzz/libtool.a: $(FUZZ_TOOL)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/tests/fuzz/%: $(B)/fuzz/tests/fuzz/%.o $(B)/fuzz/libtool.a $(B)/fuzz/libipcx.a
	$(call say,LD,$@)mkdir -p $(@D) && $(FUZZ_CC) $(LDFLAGS) $(subst fuzzer-no-link,fuzzer,$(FUZZ_SAN)) -o $@ $^ \
		$(TRACE_LIBS) $(LIBS) -ljson-c -lm

# Without clang there are none: tests/unit/fuzz-parsers skips, and says why.
fuzzers:
	$(Q)! tests/fuzz/run --can-build >/dev/null || $(MAKE) --no-print-directory -s $(FUZZERS)

.PHONY: fuzzers fuzz-parsers

tests: $(UNIT) $(UNIT_ASAN) $(SYS) fuzzers

-include $(shell find $(B)/obj $(B)/pic $(B)/asan $(B)/fuzz -name '*.d' 2>/dev/null)

# The goals below first see to what the machine lacks, and then read this
# Makefile again: what is installed changes what can be built.
GOALS_WITH_DEPS := demo check check-debug check-kernels check-model check-mutants coverage stress soak histories fuzz \
	fuzz-parsers vm bench count readme trace-demo

deps:
	@tools/vm/deps build

$(GOALS_WITH_DEPS):
	@tools/vm/deps $(patsubst fuzz,check-debug,$(patsubst stress,vm,$(patsubst soak,vm,$(patsubst histories,vm,\
		$(patsubst readme,count,$@)))))
	@$(MAKE) --no-print-directory $@-now

.PHONY: $(GOALS_WITH_DEPS:%=%-now)

RUN_IN	= tools/vm/vm -k $(KERNEL_VM)
KERNEL_VM = $(if $(filter default,$(KERNEL)),6.1,$(KERNEL))

# The module for the machine's kernel; none is needed where /dev/ipcx is there.
vm-module:
	$(Q)[ -c /dev/ipcx ] || $(MAKE) --no-print-directory module KERNEL=$(KERNEL_VM)

.PHONY: vm-module

# Where the module is loaded the demo runs on that machine alone: counting needs QEMU.
demo-now: user vm-module
	$(Q)$(RUN_IN) -t 300 -- ipcx demo
	$(Q)[ -c /dev/ipcx ] || { echo; \
		echo 'Times depend on the machine; instructions do not. Of 64 bytes, counted (make count has the rest):'; \
		$(RUN_IN) --count -t 300 -o /tmp/count.json:$(B)/count-demo.json -- \
		ipcx bench --count -c send_recv,post_wait -s 64 --json /tmp/count.json; }

vm-now: user vm-module
	$(Q)$(RUN_IN) --shell

# Those of which a slice runs in make check; each is built once, 15 to 20 minutes.
SLICE_KERNELS ?= debug
export SLICE_KERNELS

# The kernels come first: fetching one is told on standard error, which a test of the machine looks at.  One that cannot be
# built, or not in time, is no reason to do without all of the others: its slice is skipped.
check-now: user modules all-test-modules tests $(B)/profile-plugin.so
	$(Q)for k in $(SLICE_KERNELS); do DEBUG_KERNEL_LIMIT=2700 tools/vm/debug-kernel $$k >/dev/null || \
		{ [ $$? -eq 75 ] && echo "make check: without the $$k kernel" >&2; } || exit 1; done
	$(Q)for k in $(KERNEL_OF_CHECK); do \
		tools/vm/kernel image "$$(tools/vm/kernel release $$k)" >/dev/null || exit 1; done
	$(Q)[ -x $(B)/hello ] || tests/unit/readme-program.sh >/dev/null || :	# it is among the tests, too
	$(Q)IPCX_NO_BUILD=1 tests/run -j $$(nproc)

# The tests of the module on every kernel that is supported, and some of them with a module that clang has compiled; two
# kernels and a root of Debian's unstable release are fetched, once.  Ten minutes each on two processors.
KERNELS	?= 6.1 6.12 6.12-rt newest
CLANG_TESTS = semaphores queue-messages queue-order queue-races streams calls wait-any regions broadcast event-states \
	fds-messages notify-signals
check-kernels-now: user tests $(B)/tests/sys/kill-storm
	$(Q)for k in $(KERNELS); do \
		[ -n "$$(tools/vm/kernel release $$k)" ] || tools/vm/kernel fetch $$k >/dev/null || exit 1; \
		$(MAKE) --no-print-directory module test-modules KERNEL=$$k || exit 1; done
	$(Q)[ -x $(B)/hello ] || tests/unit/readme-program.sh >/dev/null
	$(Q)IPCX_NO_BUILD=1 tests/run -s $(KERNELS:%=-k %)
	$(Q)$(MAKE) --no-print-directory check-clang-now

# A warning of a header is the kernel's affair.
clang-module:
	$(Q)rm -rf $(B)/clang && mkdir -p $(B)/clang && cp -r Kbuild kmod $(B)/clang/
	$(Q)$(step) 'module by clang' sh -c 'tools/vm/kernel make $(call release,6.12) $(CURDIR)/$(B)/clang \
		CC=$(CURDIR)/tools/vm/clang-as-gcc $(BTF) >$(B)/clang/log 2>&1 || { cat $(B)/clang/log; exit 1; }; \
		! grep -A5 "$(B)/clang/kmod/[^:]*:[0-9]*:[0-9]*: warning" $(B)/clang/log'

check-clang-now: clang-module
	$(Q)IPCX_KO=$(CURDIR)/$(B)/clang/ipcx.ko IPCX_NO_BUILD=1 tests/run -k 6.12 $(CLANG_TESTS)
.PHONY: check-clang-now clang-module

# The tests of the module on kernels that look for mistakes; building these takes 15 minutes each, once.
DEBUG_KERNELS := debug kcsan
check-debug-now: user tests
	$(Q)for k in $(DEBUG_KERNELS); do \
		tools/vm/debug-kernel $$k >/dev/null && $(MAKE) --no-print-directory module test-modules KERNEL=$$k || exit 1; done
	$(Q)[ -x $(B)/hello ] || tests/unit/readme-program.sh >/dev/null
	$(Q)IPCX_NO_BUILD=1 tests/run -s $(DEBUG_KERNELS:%=-k %)

# The protocols of waiting as models, and wrong versions of them; a few minutes.
check-model-now:
	$(Q)tests/model/run

# Wrong versions of the module, each of which a test must catch; forty minutes.
check-mutants-now: user tests module all-test-modules
	$(Q)tests/mutants/run

# Hundreds of processes that use everything and are killed, and the same again and again while memory is watched.
STRESS	?= 300
SOAK	?= 3600
SEED	= $(if $(IPCX_TEST_SEED),-e IPCX_TEST_SEED=$(IPCX_TEST_SEED))
STORM	= tools/vm/vm -k $(KERNEL_VM) -m 2048 -e IPCX_TEST_SLOW=6 $(SEED) -f $(B)/tests/sys/kill-storm:/ipcx/kill-storm
# with hundreds of processes on two emulated processors, to wait for half a minute is no sign of a fault
PATIENT	= sh -c 'echo 120 >/proc/sys/kernel/hung_task_timeout_secs && exec "$$@"' -
stress-now: user vm-module $(B)/tests/sys/kill-storm
	$(Q)$(STORM) -t $$(($(STRESS) + 300)) -e IPCX_STORM_SECONDS=$(STRESS) -e IPCX_STORM_WORKERS=300 -- \
		$(PATIENT) /ipcx/kill-storm everything_at_once
soak-now: user vm-module $(B)/tests/sys/kill-storm
	$(Q)$(STORM) -t $$(($(SOAK) + 300)) -e IPCX_SOAK_SECONDS=$(SOAK) -e IPCX_STORM_WORKERS=100 -- \
		$(PATIENT) /ipcx/kill-storm memory_does_not_grow

# What several processes saw of one object: so many histories of each kind; an eighth of a second for one of each.
HISTORIES ?= 2000
histories-now: user vm-module $(B)/tests/sys/histories
	$(Q)tools/vm/vm -k $(KERNEL_VM) -t $$(($(HISTORIES) + 300)) -e IPCX_HISTORIES=$(HISTORIES) $(SEED) \
		-f $(B)/tests/sys/histories:/ipcx/histories -- /ipcx/histories

# Sequences of commands, guided by what they reach, on the debug kernel; those worth keeping are in build/fuzz-corpus,
# which begins as tests/sys/fuzz-abi.corpus, and one that did harm is in build/fuzz-found.
FUZZ	?= 600
fuzz-now: user $(B)/tests/sys/fuzz-abi
	$(Q)tools/vm/debug-kernel debug >/dev/null && $(MAKE) --no-print-directory module KERNEL=debug
	$(Q)tests/fuzz-abi/run -t $(FUZZ)

# What parses or trusts foreign bytes in user space, each for so long; what is found stays in build/fuzz/found.
FUZZ_PARSERS ?= 60
fuzz-parsers-now: fuzzers
	$(Q)tests/fuzz/run -t $(FUZZ_PARSERS)

# Which lines of the module the tests reach, and failing allocations with them; ten minutes.
coverage-now: user tests all-test-modules $(B)/profile-plugin.so
	$(Q)tools/vm/debug-kernel debug >/dev/null
	$(Q)$(MAKE) --no-print-directory module KERNEL=6.1
	$(Q)rm -rf $(B)/kmod-$(call release,debug)	# which is without line numbers otherwise
	$(Q)$(MAKE) --no-print-directory module KERNEL=debug KFLAGS=KCFLAGS=-g
	$(Q)[ -x $(B)/hello ] || tests/unit/readme-program.sh >/dev/null
	$(Q)rm -rf $(B)/coverage && mkdir -p $(B)/coverage
	$(Q)IPCX_NO_BUILD=1 tests/run -s -k 6.1 -c $(B)/coverage
	$(Q)tools/vm/vm -k debug -t 900 -e IPCX_TEST_SLOW=6 --cover $(B)/coverage/debug.fault \
		-f $(B)/tests/sys/failing-operations:/ipcx/failing-operations -f tests/coverage/sections:/ipcx/sections \
		-o /tmp/sections:$(B)/coverage/sections -- sh -c '/ipcx/sections >/tmp/sections && /ipcx/failing-operations'
	$(Q)sed 's/^section //' $(B)/coverage/sections >$(B)/coverage/debug.fault.sections
	$(Q)tests/coverage/report tests/coverage/unreached.txt $$(for f in $(B)/coverage/6.1.??????; do \
		echo "$$f $(B)/kmod-$(call release,6.1)/ipcx.ko"; done) \
		$(B)/coverage/debug.fault $(B)/kmod-$(call release,debug)/ipcx.ko

# Every case, the sweeps and the open loop, a few minutes in all.
BENCH	?= --sweep --rate 1000 --seconds 0.06 --rounds 2

# What needs the module is measured where it is; the machine has no gnuplot, so
# what would be drawn there is drawn here.
bench-now: user vm-module
	$(Q)mkdir -p $(B)/bench
	$(Q)if [ -c /dev/ipcx ]; then $(B)/ipcx bench $(BENCH) --json $(B)/bench.json --svg $(B)/bench; else \
		$(RUN_IN) -t 1500 -m 2048 -f tools/vm/gnuplot-later:/usr/bin/gnuplot -o /tmp/bench.json:$(B)/bench.json \
		-o /tmp/plots.gp:$(B)/bench/plots.gp -- env IPCX_PROGRESS=1 ipcx bench $(BENCH) --json /tmp/bench.json --svg bench; \
		ret=$$?; (cd $(B) && gnuplot bench/plots.gp) && exit $$ret; fi
	@echo 'The figures are in $(B)/bench.json, the plots are $(B)/bench/*.svg.'

count-now: user vm-module
	$(Q)$(RUN_IN) --count -t 1500 -o /tmp/count.json:$(B)/count.json -- \
		ipcx bench --count --json /tmp/count.json
	@echo 'The figures are in $(B)/count.json.'

# The same payload through each mechanism: traced and timed in one machine, counted in another.  One processor, since
# probes change code that the other one may be running, which emulation does not always survive.
TRACE_DEMO_MECHS = pipe unix_stream unix_seqpacket posix_mq sysv_msg process_vm posix_shm ipcx_queue ipcx_stream ipcx_loan
TRACE_DEMO_SIZE = 65536
quietly	= log=$(B)/trace-demo/$(1).log;
or_show	= >$$log 2>&1 || { cat $$log >&2; exit 1; }

trace-demo-now: user vm-module
	$(Q)mkdir -p $(B)/trace-demo
	@echo 'Tracing and timing $(words $(TRACE_DEMO_MECHS)) mechanisms, then counting their instructions: a minute.'
	$(Q)$(call quietly,trace) $(RUN_IN) -c 1 -m 2048 -t 300 -f tools/ipcx/trace/demo.sh:/demo.sh \
		-o /tmp/trace.json:$(B)/trace-demo/trace.json -o /tmp/bench.json:$(B)/trace-demo/bench.json -- \
		sh /demo.sh $(TRACE_DEMO_SIZE) /tmp/trace.json /tmp/bench.json $(TRACE_DEMO_MECHS) $(or_show)
	$(Q)$(call quietly,count) $(RUN_IN) --count -t 300 -o /tmp/count.json:$(B)/trace-demo/count.json -- ipcx bench --count \
		-c send_recv -m $(call listed,$(TRACE_DEMO_MECHS)) -s $(TRACE_DEMO_SIZE) --json /tmp/count.json $(or_show)
	$(Q)tools/ipcx/trace/page $(TRACE_DEMO_SIZE) $(B)/trace-demo/trace.json $(B)/trace-demo/bench.json \
		$(B)/trace-demo/count.json $(B)/trace-demo
	@echo 'The page is $(B)/trace-demo/index.html, its picture $(B)/trace-demo/stages.svg.'

# The tables in README.md: the rows that a reader wants to compare.
README_CASES = send_recv roundtrip batch broadcast post_wait handover wait_any pass_fd depth
README_ROWS = ipcx_queue ipcx_queue_rw ipcx_queue_uring ipcx_uring_rw ipcx_queue_fds ipcx_queue_prio ipcx_queue_type \
	ipcx_queue_epoll ipcx_broadcast ipcx_wait ipcx_wait_set ipcx_notify ipcx_call ipcx_stream ipcx_ring ipcx_sem \
	ipcx_sem_rw ipcx_sem_mapped ipcx_event \
	pipe tee posix_mq posix_mq_prio sysv_msg sysv_msg_type unix_stream unix_seqpacket io_uring posix_shm \
	sem_t pthread_cond eventfd sysv_sem signal epoll epoll_eventfd poll futex_waitv pidfd_getfd \
	syscall syscall_copy memcpy sched_yield
listed	= $(subst $(space),$(comma),$(strip $(1)))
comma	:= ,
empty	:=
space	:= $(empty) $(empty)

readme-now: user vm-module
	$(Q)$(RUN_IN) --count -t 900 -o /tmp/count.json:$(B)/count-readme.json -o /tmp/cost.md:$(B)/cost.md -- \
		ipcx bench --count -c $(call listed,$(README_CASES)) -m $(call listed,$(README_ROWS)) \
		-s 64,4K,64K -n 0,1000,10000,100000 --json /tmp/count.json --markdown /tmp/cost.md
	$(Q)$(RUN_IN) -t 300 -o /tmp/memory.md:$(B)/memory.md -- ipcx bench --memory --markdown /tmp/memory.md
	$(Q)tools/ipcx/bench/readme README.md $(B)/cost.md $(B)/memory.md
	@echo 'README.md has new tables: git diff README.md'

# This machine: the module of the running kernel, as root.
AS_ROOT	:= $(shell [ "$$(id -u)" = 0 ] || echo sudo)

load: user
	$(Q)$(MAKE) --no-print-directory module KERNEL=running
	$(AS_ROOT) insmod $(B)/kmod-$(shell uname -r)/ipcx.ko
	@ls -l /dev/ipcx

unload:
	$(AS_ROOT) rmmod ipcx

MAN	= $(wildcard ulib/man/*.[1-8] tools/man/*.[1-8])

install: user
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include/linux $(DESTDIR)$(LIBDIR)/pkgconfig \
		$(DESTDIR)$(UDEVDIR) $(DESTDIR)$(DKMSDIR)
	install -m 755 $(B)/ipcx $(DESTDIR)$(PREFIX)/bin/
	install -m 644 ulib/include/*.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 kmod/uapi/linux/*.h $(DESTDIR)$(PREFIX)/include/linux/
	install -m 644 $(B)/libipcx.a $(DESTDIR)$(LIBDIR)/
	install -m 755 $(SO) $(DESTDIR)$(LIBDIR)/
	cp -P $(B)/libipcx.so.0 $(B)/libipcx.so $(DESTDIR)$(LIBDIR)/
	sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(PREFIX)/include|; s|@VERSION@|$(VERSION)|' \
		ulib/libipcx.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/libipcx.pc
	for page in $(MAN); do install -D -m 644 $$page \
		$(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; done
	echo 'KERNEL=="ipcx", MODE="0666"' >$(DESTDIR)$(UDEVDIR)/60-ipcx.rules
	cp -r Kbuild kmod $(DESTDIR)$(DKMSDIR)/
	printf '%s\n' 'PACKAGE_NAME="ipcx"' 'PACKAGE_VERSION="$(VERSION)"' 'BUILT_MODULE_NAME[0]="ipcx"' \
		'DEST_MODULE_LOCATION[0]="/updates/dkms"' 'AUTOINSTALL="yes"' \
		'MAKE[0]="make -C $$kernel_source_dir M=$$dkms_tree/$$module/$$module_version/build modules"' \
		'CLEAN="make -C $$kernel_source_dir M=$$dkms_tree/$$module/$$module_version/build clean"' \
		>$(DESTDIR)$(DKMSDIR)/dkms.conf
	$(if $(DESTDIR),,ldconfig)
	@echo "The module's source is in $(DKMSDIR): 'dkms install ipcx/$(VERSION)' builds it for every kernel."

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/ipcx $(patsubst ulib/include/%,$(DESTDIR)$(PREFIX)/include/%,$(wildcard ulib/include/*.h)) \
		$(DESTDIR)$(PREFIX)/include/linux/ipcx.h $(DESTDIR)$(PREFIX)/include/linux/ipcx_queue.h \
		$(DESTDIR)$(LIBDIR)/libipcx.* \
		$(DESTDIR)$(LIBDIR)/pkgconfig/libipcx.pc $(DESTDIR)$(UDEVDIR)/60-ipcx.rules \
		$(foreach m,$(MAN),$(DESTDIR)$(MANDIR)/man$(patsubst .%,%,$(suffix $(m)))/$(notdir $(m)))
	rm -rf $(DESTDIR)$(DKMSDIR)

# Reports; only what the compiler and sparse say of the module fails.
lint:
	@tools/vm/deps lint
	@$(MAKE) --no-print-directory lint-now

.PHONY: lint-now
lint-now: $(foreach k,$(KERNEL_OF_CHECK),lint-module-$(k))
	$(Q)if command -v cppcheck >/dev/null; then cppcheck -q --std=c11 --inline-suppr \
		--enable=warning,portability -Iulib/include -Ikmod/uapi ulib tools; \
	else echo 'cppcheck is not installed: skipped'; fi
	$(Q)if command -v clang-format >/dev/null; then \
		n=0; for f in $$(git ls-files '*.[ch]'); do clang-format $$f | cmp -s - $$f || n=$$((n + 1)); done; \
		echo "for information: clang-format would change $$n files"; \
	else echo 'clang-format is not installed: skipped'; fi

lint-module-%:
	$(Q)release=$$(tools/vm/kernel release $*) || { echo "no headers of kernel $*: skipped"; exit 0; }; \
	dir=$(CURDIR)/$(B)/lint-$$release; rm -rf $$dir; mkdir -p $$dir; \
	cp -rs $(CURDIR)/Kbuild $(CURDIR)/kmod $$dir/; \
	$(step) "W=1 and sparse, $$release" $(MAKE) --no-print-directory -s \
		-C $$(tools/vm/kernel headers $$release) M=$$dir $(BTF) W=1 C=2 modules >$$dir/log 2>&1; ret=$$?; \
	cat $$dir/log; [ $$ret -eq 0 ] && ! grep -q -e 'warning:' -e 'error:' $$dir/log

clean:
	rm -rf $(B)

help:
	@echo 'make            the module (running kernel or else 6.1; KERNEL=6.12), the library, the command'
	@echo 'make demo       the main job from a bare checkout: installs what is missing, builds, shows'
	@echo 'make check      all tests, likewise; tests/run NAME runs one'
	@echo 'make check-debug  the tests of the module under KASAN, lockdep and kmemleak, then KCSAN'
	@echo 'make check-kernels  the tests of the module on 6.1, 6.12, 6.12 real-time, the newest; and clang'
	@echo 'make check-mutants  wrong versions of the module, each of which a test must catch'
	@echo 'make check-model  searches the models of how waiting works for errors'
	@echo 'make stress     hundreds of processes, killed at random (STRESS=300 seconds, at most a week)'
	@echo 'make soak       the same in rounds, while memory is watched (SOAK=3600 seconds, at most a week)'
	@echo 'make histories  what several processes see of an object, against a sequential one (HISTORIES=2000 of each kind)'
	@echo 'make fuzz       sequences of commands that nearly make sense, on the debug kernel (FUZZ=600 seconds)'
	@echo 'make fuzz-parsers  bytes for all that parses or trusts them in user space (FUZZ_PARSERS=60 seconds each)'
	@echo 'make coverage   which lines of the module the tests reach'
	@echo 'make vm         a shell in the machine, with the module loaded'
	@echo 'make bench      wall-clock comparison with the standard calls'
	@echo 'make count      exact counts of instructions'
	@echo 'make trace-demo one payload through each mechanism: what the kernel copies, as a page'
	@echo 'make readme     measures, and renews the tables of README.md'
	@echo 'make load       insmod on this machine; make unload removes it'
	@echo 'make install    library, command, man pages, udev rule, DKMS source (PREFIX, DESTDIR); uninstall'
	@echo 'make lint       W=1, sparse, cppcheck, clang-format'
	@echo 'make deps       installs what building needs;  make clean removes build/'
	@echo 'V=1 shows the commands.'
