#!/bin/bash
# S5, S25: a module whose file was cut off is refused by the loader, and kills nobody. TAP.
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build} status=0 n=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/load.c" <<'C'
#include <dlfcn.h>
int main(int argc, char **argv) { return argc == 2 && dlopen(argv[1], RTLD_NOW) ? 0 : 3; }
C
cc -o "$work/load" "$work/load.c" || exit 1
for module in "$build/pam_iam.so" "$build/libnss_iam.so.2" "$build/libsubid_iam.so"; do
	cp "$module" "$work/whole.so" && tools/phdr-last "$work/whole.so" || exit 1
	size=$(stat -c %s "$work/whole.so") bad=''
	for ((len = 0; len < size; len += size / 64)) do
		head -c "$len" "$work/whole.so" >"$work/cut.so"
		"$work/load" "$work/cut.so" 2>/dev/null
		[ $? -eq 3 ] || bad="$bad $len"
	done
	head -c $((size - 1)) "$work/whole.so" >"$work/cut.so"
	"$work/load" "$work/cut.so"
	[ $? -eq 3 ] || bad="$bad $((size - 1))"
	n=$((n + 1))
	if [ -z "$bad" ] && "$work/load" "$work/whole.so"; then
		echo "ok $n - S5: $(basename "$module") cut off anywhere is refused by the loader"
	else
		echo "not ok $n - S5: $(basename "$module") cut off at$bad"; status=1
	fi
done
echo "1..$n"
exit $status
