#!/bin/bash
# An administrator's day on a real host: the account moves to another one, and back
# come the same people with the same ids; bash completes; managed policies are there.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
number=host # no number of SECURITY.md
export DEBIAN_FRONTEND=noninteractive

local_account
check "install, all of it through host-iam" apt-get install -y /debs/*.deb
check "init" iamctl init --region eu-central-1
check "sarah" make_user sarah
check "and her group" sh -c 'iamctl create-group --group-name marketing && iamctl add-user-to-group --group-name marketing --user-name sarah'
check "a managed policy that ships" iamctl attach-user-policy --user-name sarah \
	--policy-arn arn:aws:iam::aws:policy/HostLoginWithMFA
ssh-keygen -q -t ed25519 -N '' -f key
check "her key" iamctl upload-ssh-public-key --user-name sarah --ssh-public-key-body file://key.pub
sshd_start
sarah_is_in() { ssh_as sarah 'Correct horse 1' "$(fresh_code sarah)" true; }
check "sarah is in" sarah_is_in
id sarah >id.before
getent passwd sarah >passwd.before

# ---- the account moves ----
check "export" iamctl export --include-secrets --outfile /root/account.json
check "for root's eyes" sh -c '[ "$(stat -c %U:%a /root/account.json)" = root:600 ]'
iamctl export >bare.json
check "everything purged" apt-get purge -y host-iam libpam-iam libnss-iam iamctl
check "sarah is gone" fails id sarah
check "installed anew" apt-get install -y /debs/*.deb
check "another account" iamctl init --region eu-central-1
sshd_restart
check "a damaged document is refused" sh -c 'head -c 2000 /root/account.json >half.json; ! iamctl import --document file://half.json'
check "and nothing of it is taken" sh -c 'iamctl list-users | grep -q "\"Users\": \[\]"'
check "import" iamctl import --document file:///root/account.json
id sarah >id.after
getent passwd sarah >passwd.after
check "the same ids" cmp id.before id.after
check "the same entry" cmp passwd.before passwd.after
check "the same password, device and policy" sarah_is_in
check "the same key, and a policy that wants a code" fails talk 40 -- ssh -tt "${ssh_opts[@]}" \
	-o PreferredAuthentications=publickey -i key sarah@host true
iamctl export | sed 's/:iam::[0-9]*:/:iam::ACCOUNT:/g; /"AccountId"/d' >again
sed 's/:iam::[0-9]*:/:iam::ACCOUNT:/g; /"AccountId"/d' bare.json >first
check "what is exported now is what was exported then" diff first again
check "doctor finds nothing wrong" iamctl doctor
local_people_go_on

# ---- bash ----
cat >bashrc <<'RC'
PS1='ready> '
. /usr/share/bash-completion/completions/iamctl
bind 'set enable-bracketed-paste off'
RC
completes() { # TYPED EXPECTED: what stands on the line after Tab
	TYPED=$1 EXPECTED=$2 expect -c '
		set timeout 10
		spawn -noecho bash --noprofile --rcfile bashrc -i
		expect "ready> "
		send -- "$env(TYPED)\t"
		expect {
			-ex $env(EXPECTED) { exit 0 }
			timeout { exit 97 }
		}'
}
check "bash completes operations" completes 'iamctl create-us' 'iamctl create-user '
check "options" completes 'iamctl create-user --user-n' '--user-name '
check "choices" completes 'iamctl list-users --output ta' '--output table '
check "choices after an equals sign" completes 'iamctl list-users --output=ta' '--output=table '
check "files" completes 'iamctl import --document file://bare' 'file://bare.json'
finish
