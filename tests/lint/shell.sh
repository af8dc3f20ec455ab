#!/bin/bash
# Shell scripts and maintainer scripts under shellcheck. TAP.
cd "$(dirname "$0")/../.." || exit 1
status=0 n=0
for f in $(git ls-files 'tests/*.sh' 'tests/run' 'tests/*/run' 'tests/testbed/*root' tools/build-deb tools/install-deps \
	.ci/run 'debian/*.postinst' 'debian/*.prerm' 'debian/*.postrm' debian/tests/story); do
	n=$((n + 1))
	if shellcheck -x -S warning -e SC2033,SC1091 "$f"; then echo "ok $n - shellcheck $f"
	else echo "not ok $n - shellcheck $f"; status=1; fi
done
echo "1..$n"
exit $status
