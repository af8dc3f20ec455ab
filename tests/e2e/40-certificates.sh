#!/bin/bash
# Temporary credentials: a certificate from one login lets the user in again, with the MFA of
# that login, until it ends or is revoked.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

step 1 "A host with sarah, who needs MFA for everything"
apt-get install -y /debs/libpam-iam_*.deb /debs/libnss-iam_*.deb /debs/iamctl_*.deb >"$out" 2>&1
verdict $? "the packages"
run "the account, with a certificate authority" iamctl init --region eu-central-1 --ssh-certificate-authority
run "what signs is root's alone" sh -c '[ "$(stat -c %a%u /etc/iam/ssh_ca)" = 6000 ]'
run "sarah" make_user sarah
run "her policy" allow sarah All '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
 "Action":["host:Login","host:Sudo","sts:GetSessionToken"],"Resource":"*",
 "Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"36000"}}}]}'
useradd -m lena
echo 'sarah ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/sarah
chmod 440 /etc/sudoers.d/sarah
sshd_start -o 'AuthenticationMethods=publickey,keyboard-interactive keyboard-interactive'
run "sshd asks for the names of certificates" sh -c \
	"sshd -T | grep -qx 'authorizedprincipalscommand /usr/lib/host-iam/iam-authorized-principals %u %s'"

step 2 "She gets a certificate in a login with a code"
ask='ssh-keygen -q -t ed25519 -N "" -f id && sudo iamctl get-session-token --ssh-public-key file://id.pub --outfile id-cert.pub'
run "get-session-token" ssh_as sarah 'Correct horse 1' "$(fresh_code sarah)" "$ask"
has "it says until when" '"Expiration"'
install -m 600 /home/sarah/id "$work/id"
install -m 644 /home/sarah/id-cert.pub "$work/id-cert.pub"
run "ssh-keygen reads it" ssh-keygen -Lf "$work/id-cert.pub"
has "the key id is her ARN" 'Key ID: "arn:aws:iam::[0-9]{12}:user/sarah"'
serial=$(sed -n 's/ *Serial: //p' "$out")
run "the trail has it" iamctl lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=GetSessionToken
has "under her name" 'user/sarah'

step 3 "It lets her in, and nobody else"
by_cert() { # USER COMMAND
	ssh "${ssh_opts[@]}" -o PreferredAuthentications=publickey,keyboard-interactive -o IdentitiesOnly=yes \
		-i "$work/id" -o CertificateFile="$work/id-cert.pub" "$1@host" "$2"
}
later 1
run "in, without password or code: her MFA came along" by_cert sarah true
run "sudo sees it, too" by_cert sarah 'sudo -n true'
refused "it gets no other one: whoever stole it could prolong it" by_cert sarah \
	'sudo iamctl get-session-token --ssh-public-key file://id.pub'
has "as in AWS" 'Cannot call GetSessionToken with session credentials'
refused "not as a local account" by_cert lena true
refused "not as root" by_cert root true
run "the event names the certificate" iamctl lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=Login
has "by its serial number" "CertificateSerial.{1,6}$serial"
refused "the key alone is not enough" ssh "${ssh_opts[@]}" \
	-o IdentitiesOnly=yes -o CertificateFile=none -i "$work/id" sarah@127.0.0.1 true

step 4 "It ends"
later 36001
refused "the policy looks at the age of the MFA" by_cert sarah true
run "a policy without it" allow sarah All '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
 "Action":["host:Login","host:Sudo","sts:GetSessionToken"],"Resource":"*",
 "Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}'
run "in again" by_cert sarah true
run "revoke-ssh-certificate" iamctl revoke-ssh-certificate --serial-number "$serial"
refused "revoked" by_cert sarah true
run "a new one, by root for her, brings no MFA" iamctl get-session-token --user-name sarah \
	--ssh-public-key "file:///home/sarah/id.pub" --outfile "$work/root-cert.pub"
cp "$work/root-cert.pub" "$work/id-cert.pub"
refused "which her policy demands" by_cert sarah true
run "another one of her own" ssh_as sarah 'Correct horse 1' "$(fresh_code sarah)" \
	'rm id-cert.pub; sudo iamctl get-session-token --ssh-public-key file://id.pub --outfile id-cert.pub --duration-seconds 900'
install -m 644 /home/sarah/id-cert.pub "$work/id-cert.pub"
run "in" by_cert sarah true
later 901
refused "after a quarter of an hour sshd refuses it" by_cert sarah true

step 5 "A certificate as the only proof, of which sshd tells PAM nothing"
sshd_stop
sshd_start
run "a policy without MFA" allow sarah All '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
 "Action":"host:Login","Resource":"*"}]}'
run "a certificate" iamctl get-session-token --user-name sarah --ssh-public-key file:///home/sarah/id.pub \
	--outfile "$work/alone-cert.pub"
cp "$work/alone-cert.pub" "$work/id-cert.pub"
serial=$(ssh-keygen -Lf "$work/id-cert.pub" | sed -n 's/ *Serial: //p')
run "in" by_cert sarah true
run "revoke-ssh-certificate" iamctl revoke-ssh-certificate --serial-number "$serial"
refused "revoked" by_cert sarah true
new_bea() {
	iamctl create-user --user-name bea && allow bea All '{"Version":"2012-10-17","Statement":{"Effect":"Allow",
 "Action":"host:Login","Resource":"*"}}'
}
run "bea" new_bea
run "a certificate of hers" iamctl get-session-token --user-name bea --ssh-public-key file:///home/sarah/id.pub \
	--outfile "$work/bea-cert.pub"
cp "$work/bea-cert.pub" "$work/id-cert.pub"
run "in" by_cert bea true
run "she is deleted" sh -c 'iamctl delete-user-policy --user-name bea --policy-name All && iamctl delete-user --user-name bea'
later 2
run "another bea" new_bea
refused "whom the old certificate does not let in" by_cert bea true
has "which the session phase sees" 'Access denied by policy'
sshd_stop
finish
