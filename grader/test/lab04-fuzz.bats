# lab04-fuzz.bats - what the fuzzers have found to be new ways through the readers is read
# again, with sanitizers. (make fuzz looks for more.)
load helper

@test "lab04: the readers take the saved corpus well" {
  local fuzzer
  make -s fuzzers
  for fuzzer in layer json reference; do
    run "build/fuzz/$fuzzer" -runs=0 "grader/lab04/corpus/$fuzzer"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *DONE* ]]
  done
}
