# Every command of the course. `make help` lists them.

# Where programs go. SOLUTION=1 builds the reference instead of your files;
# SRC=DIR builds the lab's files from another folder; SAN=1 adds sanitizers, and
# has a folder of its own.
BUILD    = build$(if $(SAN),/san)
OUT      = $(BUILD)$(if $(SOLUTION),/solution)
CC       = gcc
CFLAGS   = -O2 -g
WARNINGS = -Wall -Wextra -Werror
# Your files may cut a long path off in snprintf without an argument about it.
LENIENT  = $(if $(SOLUTION)$(findstring clang,$(CC)),,-Wno-format-truncation)
CPPFLAGS = -D_GNU_SOURCE -Icommon
SANFLAGS = $(if $(SAN),-fsanitize=address$(,)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
COMPILE  = $(CC) -std=gnu17 $(CPPFLAGS) $(CFLAGS) $(WARNINGS) $(SANFLAGS) -fPIC -MMD -MP
LINK     = $(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS)
,        = ,

# The labs: folder, tool, libraries.
LABS       = lab01 lab02 lab03 lab04
lab01_dir  = lab01-chroot
lab01_tool = jail
lab01_libs = -lcap
lab02_dir  = lab02-namespaces
lab02_tool = nsrun
lab03_dir  = lab03-cgroups
lab03_tool = cgrun
lab04_dir  = lab04-images
lab04_tool = img
lab04_libs = -larchive -lcrypto -ljansson -lcurl -lisal -lzstd -lz -pthread

# The current lab is the one that was built last.
LAB = $(or $(shell cat build/current 2>/dev/null),lab01)
G   = $(BUILD)/grader

help: ## this list
	@awk -F ':.*## ' '/^[$$a-z].*:.*## /{sub(/^\$$\(LABS\)/, "labNN"); printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@echo
	@echo '  SOLUTION=1 after labNN or grade means the reference; LAB=, EX= and TEST= choose; VM=no: no virtual machine.'

# ---- building ----

objects = $(patsubst %.c,$1/%.o,$(notdir $2))
common_objects = $(call objects,$(BUILD)/common,$(wildcard common/*.c))

$(BUILD)/common/%.o: common/%.c
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

# One lab: its tool, and the same without main as a shared library for the tests.
# A lab's sources are its folder's; of a solution, those that it replaces.
define lab_rules
$1_src := $$(or $$(SRC),$($1_dir))
$1_given := $$(wildcard $$($1_src)/*.c)
$1_answers := $$(if $$(SOLUTION),$$(wildcard $($1_dir)/solution/*.c))
$1_sources := $$($1_answers) $$(filter-out $$(addprefix $$($1_src)/,$$(notdir $$($1_answers))),$$($1_given))
$1_objects := $$(call objects,$$(OUT)/$1,$$($1_sources))

$1: $$(OUT)/$1/$($1_tool) $$(OUT)/$1/$1.so
	@echo $1 > build/current

$$(OUT)/$1/$($1_tool): $$($1_objects) $$(common_objects)
	$$(LINK) -o $$@ $$^ $($1_libs)

$$(OUT)/$1/$1.so: $$(filter-out $$(OUT)/$1/main%,$$($1_objects)) $$(common_objects)
	$$(LINK) -shared -o $$@ $$^ $($1_libs)

ifdef SOLUTION
$$(OUT)/$1/%.o: $($1_dir)/solution/%.c | ready-$1
	@mkdir -p $$(@D)
	$$(COMPILE) -I$($1_dir) -c -o $$@ $$<
endif

$$(OUT)/$1/%.o: $$($1_src)/%.c | ready-$1
	@mkdir -p $$(@D)
	$$(COMPILE) $$(LENIENT) -I$($1_dir) -c -o $$@ $$<

ready-$1:
	@sh common/setup.sh --check $1

# What the tests take of the lab's folder: its contract, as it was handed out. A header
# can hold code, too, and this would run in the judge: grader/labNN/contract.sum says
# what is meant (cd LAB; sha256sum HEADER... > ../grader/labNN/contract.sum).
$1_contract := $$(addprefix $$(G)/$1/contract/,$$(shell sed 's/.* //' grader/$1/contract.sum))

$$($1_contract): $$(G)/$1/contract/%.h: $($1_dir)/%.h grader/$1/contract.sum
	@sed -n 's|  $$*\.h$$$$|  $$<|p' grader/$1/contract.sum | sha256sum --status -c || { \
	  echo '$$< is not as it was handed out, and the tests are made with it: put it back'; \
	  echo '(git checkout $$<), and your own declarations into a header of your own.'; exit 1; } >&2
	@mkdir -p $$(@D) && cp $$< $$@

# Its tests: a Check program that loads the library, and a static program that
# the tests run inside roots where nothing else is.
$$(G)/$1/check: $$(call objects,$$(G)/$1,$$(wildcard grader/$1/check*.c grader/$1/groups.c)) $$(call objects,$$(G),student.c scratch.c proc.c follow.c) $$(common_objects)
	$$(LINK) -o $$@ $$^ $$$$(pkg-config --libs check) $($1_libs) -lcap -ldl

$$(G)/$1/probe: grader/$1/probe.c
	@mkdir -p $$(@D)
	$$(CC) -std=gnu17 $$(CPPFLAGS) $$(CFLAGS) $$(WARNINGS) -MMD -MP -static -o $$@ $$<

$$(G)/$1/%.o: grader/$1/%.c | ready-grade $$($1_contract)
	@mkdir -p $$(@D)
	$$(COMPILE) -Igrader -I$$(G)/$1/contract -c -o $$@ $$<

tests-$1: $$(G)/$1/check $$(G)/$1/probe
endef
$(foreach l,$(LABS),$(eval $(call lab_rules,$l)))

$(LABS): ## build one lab, say lab01, and make it the current one

# Programs of lab04's tests: one writes hostile images, one is a registry that lies.
$(G)/lab04/hostile: $(call objects,$(G)/lab04,$(wildcard grader/lab04/hostile*.c)) $(common_objects)
	$(LINK) -o $@ $^ -larchive -ljansson -lcrypto -lzstd -lz
$(G)/lab04/registry: $(call objects,$(G)/lab04,$(wildcard grader/lab04/registry*.c)) $(common_objects)
	$(LINK) -o $@ $^ -lcrypto
tests-lab04: $(G)/lab04/hostile $(G)/lab04/registry

# The grader's programs.
grader_tools = $(addprefix $(G)/,grade cage doctor starters tally)
ready-grade ready-test ready-vm:
	@sh common/setup.sh --check $(@:ready-%=%)
$(G)/%.o: grader/%.c | ready-grade
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<
$(G)/vm-objects/%.o: grader/vm/%.c | ready-grade
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<
$(G)/given/%.o: lab02-namespaces/%.c | ready-grade
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<
$(G)/doctor_lab02.o: CPPFLAGS += -Ilab02-namespaces
$(G)/grade: $(call objects,$(G),grade.c exercises.c find.c run.c remote.c report.c tap.c)
$(G)/cage: $(call objects,$(G),cage.c cage_init.c cage_user.c cage_root.c cage_cgroup.c census.c)
$(G)/doctor: $(call objects,$(G),doctor.c doctor_lab01.c doctor_lab02.c doctor_lab03.c doctor_lab04.c) $(G)/given/netlink.o
$(G)/tally: $(call objects,$(G),tally.c tap.c)
$(G)/starters: $(call objects,$(G),starters.c)
$(G)/bench: $(call objects,$(G),bench.c)
$(G)/floor: $(call objects,$(G),floor.c)
$(G)/vm: $(call objects,$(G)/vm-objects,vm.c boot.c qemu.c session.c terminal.c wire.c)
$(G)/facts: $(call objects,$(G),facts.c)
	$(LINK) -static -o $@ $^
$(G)/faults: $(call objects,$(G),faults.c faults_cases.c faults_run.c faults_calls.c census.c) $(common_objects)
	$(LINK) -o $@ $^ -lcap -lseccomp
$(grader_tools) $(G)/bench: $(common_objects)
	$(LINK) -o $@ $^ -ljansson -lcap
$(G)/vm: $(common_objects)
$(G)/floor $(G)/vm:
	$(LINK) -o $@ $^
# The first process of the VM, where there is no library.
$(G)/vm-init: $(wildcard grader/vm/init*.c) grader/vm/wire.c $(addprefix common/,fail.c file.c list.c) $(wildcard grader/vm/*.h common/*.h)
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(CPPFLAGS) $(CFLAGS) $(WARNINGS) -static -o $@ $(filter %.c,$^)
grader: $(grader_tools)

# All references, for stories and comparisons; the current lab stays what it is.
ifdef SOLUTION
reference: $(foreach l,$(LABS),$(OUT)/$l/$($l_tool) $(OUT)/$l/$l.so)
endif

# ---- fuzzing: lab04's reference meets what libFuzzer makes up ----
FUZZERS      = layer json reference
FUZZ_SECONDS = 60
F            = build/fuzz
fuzz_answers = $(wildcard $(lab04_dir)/solution/*.c)
fuzz_given   = $(filter-out $(lab04_dir)/main% $(addprefix $(lab04_dir)/,$(notdir $(fuzz_answers))),$(wildcard $(lab04_dir)/*.c))
fuzz_objects = $(call objects,$(F),$(fuzz_answers) $(fuzz_given) $(wildcard common/*.c))
FUZZFLAGS    = -std=gnu17 $(CPPFLAGS) -I$(lab04_dir) -O1 -g $(WARNINGS) -fno-omit-frame-pointer -fno-sanitize-recover=all -MMD -MP

$(F)/%.o: $(lab04_dir)/solution/%.c
	@mkdir -p $(@D)
	clang $(FUZZFLAGS) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<
$(F)/%.o: $(lab04_dir)/%.c
	@mkdir -p $(@D)
	clang $(FUZZFLAGS) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<
$(F)/%.o: common/%.c
	@mkdir -p $(@D)
	clang $(FUZZFLAGS) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<
$(FUZZERS:%=$(F)/%): $(F)/%: grader/lab04/fuzz_%.c grader/lab04/fuzz.h $(fuzz_objects)
	clang $(FUZZFLAGS) -MF $@.d -fsanitize=fuzzer,address,undefined -o $@ $< $(fuzz_objects) $(lab04_libs) -lcap
fuzzers: $(FUZZERS:%=$(F)/%)

fuzz: fuzzers ## look for a minute each (FUZZ_SECONDS=60) for input that breaks lab04's readers
	@for f in $(FUZZERS); do \
	  mkdir -p $(F)/found/$$f; echo "$$f:"; \
	  ASAN_OPTIONS=quarantine_size_mb=16 $(F)/$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 \
	    -verbosity=0 -artifact_prefix=$(F)/$$f- $(F)/found/$$f grader/lab04/corpus/$$f || exit 1; done

# ---- using ----

# By way of the environment, so that quotes in them stay what they are.
export TEST EX CMD

grade: $(LAB) tests-$(LAB) $(G)/grade $(G)/cage $(G)/vm $(G)/vm-init ## grade the current lab (LAB=lab01, EX=1.3, TEST='NAME')
	@$(G)/grade $(if $(SOLUTION),--solution) $(if $(EX),--exercise "$$EX") \
	  $(if $(TEST),--test "$$TEST") $(if $(filter no,$(VM)),--no-vm) --build $(OUT)/$(LAB) --tools $(G) --results build $(LAB)

hint: $(G)/grade ## the next hint for an exercise (EX=1.2)
	@$(if $(EX),,echo 'make hint: which exercise? Say EX=1.2'; exit 2;) \
	$(G)/grade --hint "$$EX" --results build lab0$(filter 1 2 3 4 5,$(firstword $(subst ., ,$(EX))))

cage: $(G)/cage ## a shell (or CMD="...") where nothing can do harm
	@$(G)/cage -- $(if $(CMD),sh -c "$$CMD",$${SHELL:-/bin/sh})

vm: ready-vm $(G)/vm $(G)/vm-init ## a shell (or CMD="...") in a throw-away machine, as root, on this tree
	@$(G)/vm -- $(if $(CMD),sh -c "$$CMD")

doctor: $(G)/doctor $(G)/cage ## what works on this machine, and how to mend the rest
	@$(G)/doctor

walkthrough: $(G)/cage ## the lab as commands (LAB=lab01), one Enter at a time
	@$(MAKE) -s reference SOLUTION=1
	@$(G)/cage -- bash $($(LAB)_dir)/walkthrough.sh

demo: ## install what is missing and show what the labs build
	@sh common/setup.sh $(LABS) grade tour
	@$(MAKE) -s reference SOLUTION=1
	@$(MAKE) -s $(G)/cage
	@for lab in $(foreach l,$(LABS),$($l_dir)); do \
	  $(G)/cage -- bash $$lab/walkthrough.sh --unattended || exit 1; done

test: ## install what is missing and run the project's own tests
	@sh common/setup.sh $(LABS) grade tour vm test
	@bash grader/test/run.sh

bench: $(G)/bench $(G)/floor $(G)/grade $(G)/cage $(G)/vm $(G)/vm-init $(LABS:%=tests-%) ## measured comparisons with other tools
	@$(MAKE) -s reference SOLUTION=1
	@$(G)/bench

starters: $(G)/starters ## write the starters, and the sums of the contracts, anew
	@for s in grader/lab*/contract.sum; do \
	  (cd $$(echo $$(basename $$(dirname $$s))-*) && sha256sum $$(sed 's/.* //' ../$$s) >../$$s.new) && \
	  mv $$s.new $$s || exit 1; done
	@for s in $(foreach l,$(LABS),$(wildcard $($l_dir)/solution/*.c)); do \
	  $(G)/starters $$s > $$(dirname $$(dirname $$s))/$$(basename $$s) || exit 1; done

print-labs:
	@echo $(LABS)

format: ## lay out all C files as .clang-format says
	clang-format -i $$(git ls-files '*.[ch]')

clean: ## remove all that was built
	rm -rf $(BUILD)

.PHONY: help $(LABS) $(LABS:%=ready-%) $(LABS:%=tests-%) ready-grade ready-test ready-vm grader reference \
        grade hint cage vm doctor walkthrough demo test bench starters print-labs \
        format clean fuzz fuzzers
.SECONDARY:
-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)
