# foundation.bats - building, starters, setup, and the papers.
load helper

@test "starters are what the solutions produce" {
  local solution starter
  for solution in lab*/solution/*.c; do
    starter=${solution/solution\//}
    build/grader/starters "$solution" >"$TEMP/starter"
    diff -u "$starter" "$TEMP/starter" || { echo "run: make starters"; false; }
  done
}

@test "every C file compiles without a warning, by gcc and by clang" {
  local compiler file labs=(lab*-*)
  for compiler in gcc clang; do
    for file in common/*.c grader/*.c grader/lab*/*.c lab*/*.c lab*/solution/*.c; do
      $compiler -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -Icommon -Igrader \
        "${labs[@]/#/-I}" -c -o "$TEMP/o" "$file"
    done
  done
}

@test "a build that nothing changed for does nothing, and a header rebuilds its users" {
  run make lab01 SOLUTION=1 BUILD="$TEMP/b" -j4
  [ "$status" -eq 0 ]
  run make lab01 SOLUTION=1 BUILD="$TEMP/b"
  [[ $output != *gcc* ]]
  # clean.h is used by copy.c and file.c, and neither by seal.c nor by list.c.
  run make lab01 SOLUTION=1 BUILD="$TEMP/b" -W common/clean.h -n
  [[ $output == *"-c -o $TEMP/b/solution/lab01/copy.o"* ]]
  [[ $output == *"-c -o $TEMP/b/common/file.o"* ]]
  [[ $output != *"-c -o $TEMP/b/solution/lab01/seal.o"* ]]
  [[ $output != *"-c -o $TEMP/b/common/list.o"* ]]
}

@test "every declaration of common is used by somebody else" {
  local name
  for name in $(sed -n 's/^[a-z].*[ *]\([a-z_]*\)(.*/\1/p' common/*.h | grep -v -e attribute -e cleanup | sort -u) autolist autofree autoclose; do
    grep -rlw --include='*.c' "$name" common grader lab*/ | grep -qv "^common/" ||
      grep -rlw --include='*.c' "$name" common | sed -n 2p | grep -q . ||
      { echo "nobody uses $name"; false; }
  done
}

@test "make help has a line for every target that the README names" {
  run make help
  local target
  while read -r target; do
    [[ $output == *"make $target "* || $target == lab ]] || { echo "no make $target"; false; }
  done < <(sed -n 's/^make \([a-z]*\)  .*/\1/p; s/.*`make \([a-z]*\).*/\1/p' README.md lab*/README.md | sort -u)
}

@test "what the handouts name exists" {
  local doc word
  for doc in README.md lab*/README.md; do
    # Paths in backticks, and links.
    while read -r word; do
      case $word in
        build/*|/*|http*|*...*|..*) continue ;;
      esac
      [ -e "$word" ] || [ -e "$(dirname "$doc")/$word" ] || { echo "$doc: $word is not there"; false; }
    done < <(grep -oE '`[a-z0-9./_-]+/[A-Za-z0-9./_-]+`|\]\([^)#]+\)' "$doc" | sed 's/^`//; s/`$//; s/^](//; s/)$//')
  done
  # Functions in backticks: `root_enter`.
  for doc in lab*/README.md; do
    for word in $(grep -oE '`[a-z]+_[a-z_]+(\(\))?`' "$doc" | tr -d '`()' | sort -u); do
      grep -rqw --include='*.[ch]' "$word" common "$(dirname "$doc")" grader /usr/include/sys/capability.h /usr/include/linux ||
        { echo "$doc: $word is nowhere"; false; }
    done
  done
  # Sections that the grader sends people to.
  local lab number title
  for lab in grader/lab*/exercises.json; do
    while IFS=$'\t' read -r number title; do
      grep -qxE "#+ $number $title" "$(sed -n 's/.*"folder": "\(.*\)".*/\1/p' "$lab")/README.md" ||
        { echo "no section $number $title"; false; }
    done < <(sed -n 's/.*"number": "\([^"]*\)", "title": "\([^"]*\)".*/\1\t\2/p' "$lab" | tr -s ' ')
  done
}

@test "hints never hold code" {
  run ! grep -nE '"(hints|say)".*(;\\n|\{ *$|==|\);)' grader/lab*/exercises.json
}

@test "no hint is empty or a mere word" {
  local lab n length
  for lab in grader/lab*/exercises.json; do
    n=$(grep -c '"number": "' "$lab")
    # Each is one string: what is between quotes, wherever the lines break.
    length=$(tr '\n' ' ' <"$lab" | grep -oE '"hints": *\[( *"([^"\\]|\\.)*" *,?)*' |
      sed 's/^"hints"//' | grep -oE '"([^"\\]|\\.){41,}"' | wc -l)
    echo "$lab: $length of $((3 * n)) hints are longer than 40 characters"
    [ "$length" -eq $((3 * n)) ]
  done
}

@test "shell files pass shellcheck" {
  shellcheck -x common/*.sh grader/*.bash grader/test/*.sh grader/test/*.bash \
    grader/test/*.bats grader/lab*/*.bash grader/lab*/*.bats lab*/*.sh .ci/run
}

@test "setup says what is missing, and installs nothing when nothing is" {
  mkdir "$TEMP/bin"
  printf '#!/bin/sh\necho "$0 was called" >&2; exit 1\n' >"$TEMP/bin/apt-get"
  chmod 755 "$TEMP/bin/apt-get"
  PATH="$TEMP/bin:$PATH" run sh common/setup.sh lab01 grade
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  # Without bats and newuidmap in PATH, it names their packages.
  for program in sh cc grep id sed command env printf; do
    path=$(command -v "$program") || continue
    [ "${path#/}" = "$path" ] || ln -sf "$path" "$TEMP/bin/"
  done
  ln -s "$(command -v pkg-config)" "$TEMP/bin/"
  PATH="$TEMP/bin" run sh common/setup.sh --check grade
  echo "$output"
  [ "$status" -eq 1 ]
  [[ $output == *"apt-get install"*bats*uidmap* ]]
}

@test "hints come one after another" {
  local n
  for n in 1 2 3 3; do
    run "$GRADE" --hint 1.2 --results "$TEMP" lab01
    [ "$status" -eq 0 ]
    [[ $output == *"hint $n of 3"* ]]
  done
  run "$GRADE" --hint 9.9 --results "$TEMP" lab01
  [ "$status" -eq 2 ]
  [[ $output == *"1.1 to 1.7"* ]]
}

@test "doctor finds that all can be graded, for root and for a user" {
  run build/grader/doctor
  echo "$output"
  [ "$status" -eq 0 ]
  user_tree
  run as_user sh -c "cd $TEMP/tree && build/grader/doctor"
  echo "$output"
  [ "$status" -eq 0 ]
}
