#!/bin/bash
# What the modules export, need and call. TAP.
# S18: libc only, the entry points only, no code of ours when loaded. S34: no shell.
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
status=0 n=0

is() { # NAME WANT GOT
	n=$((n + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		diff <(tr ' ' '\n' <<<"$2") <(tr ' ' '\n' <<<"$3") | sed 's/^/# /'
		status=1
	fi
}
words() { LC_ALL=C sort -u | tr '\n' ' ' | sed 's/ *$//'; }
exports() { nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | words; }
imports() { nm -D --undefined-only "$1" | awk '{ sub(/@.*/, "", $2); print $2 }' | words; }
entries() { tr -s '[:space:];{}' '\n' <"$1" | grep -E '^(_nss_iam|pam_sm|shadow_subid)_[a-z_]*$' | words; }
needed() { objdump -p "$1" | awk '$1 == "NEEDED" { print $2 }' | grep -v '^ld-linux' | words; }
dynamic() { readelf -d "$1"; }
# Functions run at loading and unloading: the compiler's own start-up files bring
# frame_dummy and __do_global_dtors_aux, one pointer each, and no more. The name service
# has not even these.
hooks() {
	local s size
	for s in init_array fini_array preinit_array ctors dtors; do
		size=$(readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] *//' | awk -v s=".$s" '$1 == s { print $5 }')
		[ -z "$size" ] || echo "$s:$((16#$size / ${word:-8}))"
	done | words
}

module() { # FILE MAP LIBRARIES FORBIDDEN HOOKS
	local f=$build/$1 m=${1%%.so*} bad
	word=8
	readelf -h "$f" | grep -q ELF32 && word=4
	is "S18: $m exports its entry points and nothing else" "$(entries "$2")" "$(exports "$f")"
	is "S18: $m needs its libraries and no other" "$3" "$(needed "$f")"
	is "S18: $m runs nothing of ours at loading" "$5" "$(hooks "$f")"
	bad=$(imports "$f" | tr ' ' '\n' | grep -xE "$4" | words)
	is "S34, S7: $m calls no shell and reads no environment" "" "$bad"
	is "$m stays loaded, has no text relocations, is bound at once" "BIND_NOW NODELETE" \
		"$(dynamic "$f" | grep -oE '\b(BIND_NOW|NODELETE|TEXTREL)\b' | words)"
	is "$m has no executable stack" "" "$(readelf -lW "$f" | grep GNU_STACK | grep -o RWE)"
}

env='(secure_|__secure_)?getenv|setenv|putenv|unsetenv|clearenv|environ|__environ'
shell='system|popen|execvpe?|execlp?|execle|posix_spawnp|wordexp'
life='signal|sigaction|exit|_exit|_Exit|abort|chdir|fchdir|chroot|umask|setlocale|alarm|setitimer|pthread_atfork|__register_atfork|atexit|__cxa_atexit'
spawn='execve|fexecve|posix_spawn|fork|vfork|clone'
network='socket|connect|sendto|sendmsg|recvfrom|recvmsg|getaddrinfo|gethostbyname(_r)?|syslog|openlog|vsyslog'
passwd='(get|set|end)(pw|gr)(nam|uid|gid|ent)(_r)?|getgrouplist|initgroups'

# A name service may not start programs, talk to anyone (S19) or ask itself (S20).
compilers='fini_array:1 init_array:1'
module libnss_iam.so.2 nss_iam/nss_iam.map libc.so.6 "$env|$shell|$life|$spawn|$network|$passwd|printf|fprintf|puts|perror" ''
module libsubid_iam.so subid_iam/subid_iam.map libc.so.6 "$env|$shell|$life|$spawn|$network|$passwd|printf|fprintf|puts|perror" "$compilers"
module pam_iam.so pam_iam/pam_iam.map \
	"libc.so.6 libcrypt.so.1 liboath.so.0 libpam.so.0 libsodium.so.23" "$env|$shell" "$compilers"
# Whoever looks up names after a chroot believes that root's nsswitch.conf.
for f in pam_iam.so iam-chkauth iam-authorized-keys; do
	is "S28: $f never changes its root" "" "$(imports "$build/$f" | tr ' ' '\n' | grep -xE 'chroot|pivot_root|setns|unshare' | words)"
done

echo "1..$n"
exit $status
