#!/bin/bash
# Roles: a Unix account that nobody logs in as, and that some may become.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

trust() { # PRINCIPAL [CONDITION]
	printf '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"sts:AssumeRole"%s}}' "$1" "${2:-}"
}
# In a login of hers, where what su asks for is her password once more.
in_session() { ssh_as "$@"; }

step 1 "A host with two people and two roles"
local_account
apt-get install -y /debs/libpam-iam_*.deb /debs/libnss-iam_*.deb /debs/iamctl_*.deb >"$out" 2>&1
verdict $? "the packages"
run "the account" iamctl init --region eu-central-1 --ssh-certificate-authority
account=$(member AccountId)
run "sarah" make_user sarah
run "she may log in, use sudo and assume deploy" allow sarah All '{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":["host:Login","host:Sudo"],"Resource":"*"},
 {"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::*:role/Deploy"}]}'
run "nora" make_user nora 'Correct horse 2'
run "she may log in" allow nora All '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"host:Login","Resource":"*"}}'
run "the role Deploy trusts the account, with MFA" iamctl create-role --role-name Deploy --max-session-duration 7200 \
	--assume-role-policy-document "$(trust "$account" ',"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}')"
has "it has a Unix account" '"UnixName": "deploy"'
run "it may use sudo and look at users" iamctl put-role-policy --role-name Deploy --policy-name All --policy-document \
	'{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["host:Sudo","host:Login","iam:GetUser"],"Resource":"*"}}'
run "the role Audit trusts nora alone" iamctl create-role --role-name Audit \
	--assume-role-policy-document "$(trust "arn:aws:iam::$account:user/nora")"
refused "a role that trusts somebody who is not there" iamctl create-role --role-name Nobody \
	--assume-role-policy-document "$(trust "arn:aws:iam::$account:user/nobody")"
has "is no role" 'Invalid principal'
printf '%s\n' 'sarah ALL=(ALL) NOPASSWD: ALL' 'lena ALL=(ALL) NOPASSWD: ALL' 'deploy ALL=(root) ALL' >/etc/sudoers.d/people
chmod 440 /etc/sudoers.d/people
sshd_start

step 2 "The name service knows it, and nobody logs in as it"
run "getent" getent passwd deploy
has "with x as password" '^deploy:x:21'
run "its private group" getent group deploy
install -d -m 700 -o deploy -g deploy /home/deploy /home/deploy/.ssh
ssh-keygen -q -t ed25519 -N '' -f "$work/id"
install -m 600 -o deploy -g deploy "$work/id.pub" /home/deploy/.ssh/authorized_keys
refused "not with a key in its home" ssh "${ssh_opts[@]}" -o IdentitiesOnly=yes -i "$work/id" deploy@host true
run "the event says why" iamctl lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=Login --max-results 1
has "nobody had assumed it" 'RoleNotAssumed'
refused "not with somebody's password" ssh_as deploy 'Correct horse 1' "$(code sarah)" true
refused "cron runs nothing as it" talk 20 -- pamtester cron deploy acct_mgmt

step 3 "su - deploy"
run "sarah assumes it with her own password and code" in_session sarah 'Correct horse 1' "$(fresh_code sarah)" \
	'su - deploy -c "id -un; echo \$IAM_SESSION_ARN; sudo iamctl get-caller-identity"'
has "she is deploy" '^deploy'
has "the session has her name" "^arn:aws:sts::$account:assumed-role/Deploy/sarah"
has "iamctl knows it, and sudo asked for nothing" "\"Arn\": \"arn:aws:sts::$account:assumed-role/Deploy/sarah\""
refused "the role's own policies hold in there" in_session sarah 'Correct horse 1' "$(fresh_code sarah)" \
	'su - deploy -c "sudo iamctl create-user --user-name evil"'
has "not hers, and not root's" 'assumed-role/Deploy/sarah is not authorized to perform: iam:CreateUser'
refused "nora is of the account, but nothing allows it to her" talk 20 'assword: $' 'Correct horse 2' 'code: $' "$(fresh_code nora)" -- \
	runuser -u nora -- su - deploy -c true
has "as the policies say" 'Access denied by policy'
run "where she is named, nothing more is needed" in_session nora 'Correct horse 2' "$(fresh_code nora)" 'su - audit -c "id -un"'
has "she is audit" '^audit'
refused "sarah is not, and may not" in_session sarah 'Correct horse 1' "$(fresh_code sarah)" 'su - audit -c true'
refused "a wrong password" talk 20 'assword: $' wrong 'code: $' "$(fresh_code sarah)" -- runuser -u sarah -- su - deploy -c true
run "the right one, without a login before" talk 20 'assword: $' 'Correct horse 1' 'code: $' "$(fresh_code sarah)" -- \
	runuser -u sarah -- su - deploy -c true
refused "lena, whom IAM does not govern" talk 20 'assword: $' 'local secret' 'code: $' 000000 -- runuser -u lena -- su - deploy -c true
run "root may, as with every account" su - deploy -c 'echo $IAM_SESSION_ARN'
has "under a name of its own" 'assumed-role/Deploy/root'

step 4 "sudo -u deploy"
run "sarah" ssh_as sarah 'Correct horse 1' "$(fresh_code sarah)" 'sudo -u deploy sh -c "id -un; sudo iamctl get-caller-identity"'
has "is deploy" '^deploy'
has "in a session of hers" 'assumed-role/Deploy/sarah'
refused "audit does not trust her, whatever sudoers says" ssh_as sarah 'Correct horse 1' "$(fresh_code sarah)" 'sudo -u audit id -un'
hasnt "nothing was run" '^audit'
run "the trail has it" iamctl lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=AssumeRole --max-results 1
has "in AWS's words" 'not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::[0-9]*:role/Audit'
refused "lena, in spite of ALL in sudoers" runuser -u lena -- sudo -n -u deploy id -un
run "her sudo to root goes on (S0)" runuser -u lena -- sudo -n true

step 5 "assume-role: a certificate of a session"
sshd_stop
sshd_start -o 'AuthenticationMethods=publickey,keyboard-interactive keyboard-interactive'
role=arn:aws:iam::$account:role/Deploy
ask="ssh-keygen -q -t ed25519 -N '' -f id && sudo iamctl assume-role --role-arn $role --role-session-name ci-42 --ssh-public-key file://id.pub"
refused "not with a source identity, which nothing allows to her" ssh_as sarah 'Correct horse 1' "$(fresh_code sarah)" "$ask --source-identity sarah"
has "as AWS says it" 'not authorized to perform: sts:SetSourceIdentity'
run "sarah gets one" ssh_as sarah 'Correct horse 1' "$(fresh_code sarah)" "rm id; $ask --outfile id-cert.pub"
has "AWS's answer" '"AssumedRoleId": "AROA.*:ci-42"'
install -m 600 /home/sarah/id "$work/role"
install -m 644 /home/sarah/id-cert.pub "$work/role-cert.pub"
by_cert() { # USER COMMAND
	ssh "${ssh_opts[@]}" -o PreferredAuthentications=publickey,keyboard-interactive -o IdentitiesOnly=yes \
		-i "$work/role" -o CertificateFile="$work/role-cert.pub" "$1@host" "$2"
}
later 1
run "it opens ssh for the role" by_cert deploy 'id -un; echo $IAM_SESSION_ARN; sudo iamctl get-caller-identity'
has "as deploy" '^deploy'
has "in the session" "^arn:aws:sts::$account:assumed-role/Deploy/ci-42"
has "which iamctl knows" '"Arn": "arn:aws:sts::.*:assumed-role/Deploy/ci-42"'
refused "not for sarah" by_cert sarah true
refused "not for root" by_cert root true
run "one with a policy of its own" ssh_as sarah 'Correct horse 1' "$(fresh_code sarah)" "rm id id-cert.pub; $ask --outfile id-cert.pub \
 --policy '{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"host:Login\",\"Resource\":\"*\"}}'"
install -m 600 /home/sarah/id "$work/role"
install -m 644 /home/sarah/id-cert.pub "$work/role-cert.pub"
later 1
run "opens ssh" by_cert deploy 'id -un'
refused "and no sudo, which the role could use" by_cert deploy 'sudo true'
serial=$(ssh-keygen -Lf "$work/role-cert.pub" | sed -n 's/ *Serial: //p')
run "revoke-ssh-certificate" iamctl revoke-ssh-certificate --serial-number "$serial"
refused "revoked" by_cert deploy true
sshd_stop
sshd_start

step 6 "Changes count at once"
run "a trust policy for nobody from outside" iamctl update-assume-role-policy --role-name Deploy \
	--policy-document "$(trust "arn:aws:iam::999999999999:root")"
refused "ends it" in_session sarah 'Correct horse 1' "$(fresh_code sarah)" 'su - deploy -c true'
run "detached and deleted" sh -c 'iamctl delete-role-policy --role-name Deploy --policy-name All && iamctl delete-role --role-name Deploy'
refused "it is gone" getent passwd deploy
local_people_go_on "with roles"
run "validate-logs" iamctl validate-logs
sshd_stop
finish
