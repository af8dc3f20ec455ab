#!/bin/bash
# import --from: passwords and second factors that people have already.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
new_account
# Drepper's test vector of SHA-512: "Hello world!"
# shellcheck disable=SC2016
hash='$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1'
printf 'root:*:1::::::\nanna:%s:20000:0:99999:7:::\nlocked:!%s:1::::::\n' "$hash" "$hash" >"$root/etc/shadow"
chmod 640 "$root/etc/shadow"
run create-user --user-name Anna
run create-user --user-name locked
run create-user --user-name other

expect "shadow: whose?" 254 "--user-name" import --from shadow
expect "shadow: a dry run" 0 '"LoginProfiles": 1' import --from shadow --user-name Anna --dry-run
expect "changes nothing" 254 NoSuchEntity get-login-profile --user-name Anna
expect "shadow: a password of this host" 0 '"LoginProfiles": 1' import --from shadow --user-name anna
run get-login-status --user-name Anna
ok "with the day of its last change" is "$(value .LoginStatus.PasswordChanged)" 2024-10-04T00:00:00Z
expect "shadow: not twice" 254 EntityAlreadyExists import --from shadow --user-name Anna
expect "shadow: a locked one" 254 "is locked" import --from shadow --user-name locked
expect "shadow: nobody" 254 "no entry for other" import --from shadow --user-name other
printf 'other:%s:0::::::\n' "$hash" >"$tmp/shadow"
expect "shadow: another file" 0 '"LoginProfiles": 1' import --from shadow --user-name other --document "file://$tmp/shadow"
run get-login-profile --user-name other
ok "whose password has to be changed" is "$(value .LoginProfile.PasswordResetRequired)" true
run_in 'Hello world?' upgrade-password-hash --user-name Anna --password-stdin
ok "upgrade: a wrong password" said 254 AccessDenied
run_in 'Hello world!' upgrade-password-hash --user-name Anna --password-stdin
ok "upgrade: the password" is "$status/$err" 0/
run export --include-secrets
ok "is yescrypt now" has "$out" '"PasswordHash": "$y$j9T$'
ok "S9: no hash in any event" eval '! grep -q saltstring "$root/var/log/iam/trail.jsonl"'

seed=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
printf '%s\n" TOTP_AUTH\n" WINDOW_SIZE 17\n12345678\n' $seed >"$tmp/ga"
expect "google-authenticator" 0 '"MFADevices": 1' import --from google-authenticator --user-name Anna --document "file://$tmp/ga"
ok "its emergency codes are named" has "$err" "1 emergency codes were left out"
run list-mfa-devices --user-name Anna
ok "and the device is enabled" is "$(value .MFADevices.0.SerialNumber)" arn:aws:iam::123456789012:mfa/Anna
run export --include-secrets
ok "with the same seed" is "$(value .MFADevices.0.Base32StringSeed)" $seed
ok "S35: codes up to now are used up" [ "$(value .MFADevices.0.EnableStep)" -ge $(($(date +%s) / 30 - 1)) ]
ok "S9: no seed in any event" eval '! grep -q "$seed" "$root/var/log/iam/trail.jsonl"'
printf '%s\n" HOTP_COUNTER 1\n' $seed >"$tmp/ga"
expect "google-authenticator: counted codes" 254 "counts codes" import --from google-authenticator --user-name Anna --document "file://$tmp/ga"
expect "google-authenticator: which file?" 254 "--document" import --from google-authenticator --user-name Anna

printf '%s\n" TOTP_AUTH\n' $seed >"$tmp/ga"
expect "S35: google-authenticator: not twice" 254 "has the device of this file already" import --from google-authenticator --user-name Anna --document "file://$tmp/ga"

hex=3132333435363738393031323334353637383931
cat >"$tmp/oath" <<EOF
# users.oath
HOTP/T30/6 anna - $hex
HOTP other - $hex
HOTP/T60/8 nobody - $hex

HOTP/T30/8 other + $hex
EOF
run import --from oath --document "file://$tmp/oath"
ok "oath: those by time" said 0 '"MFADevices": 2'
ok "oath: others are named by line" has "$err" "line 3: left out: not a token of 30 or 60 seconds"
ok "oath: and who is not there" has "$err" "line 4: left out: there is no user with the Unix name nobody"
run list-mfa-devices --user-name Anna
ok "oath: a second device has a number" is "$(value .MFADevices.1.SerialNumber)" arn:aws:iam::123456789012:mfa/Anna-2
run import --from oath --document "file://$tmp/oath"
ok "S35: oath: nobody gets a device twice" said 0 '"MFADevices": 0'
ok "oath: which is said" has "$err" "line 2: left out: its user has this device already"
expect "oath: an unknown source" 254 "enum value set" import --from ldap
finish
