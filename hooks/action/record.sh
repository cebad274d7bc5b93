#!/bin/sh
# Records one step of a build in the ledger. action.yml hands everything over in GL_* variables and
# the key in GIT_LEDGER_KEY: nothing that was not written in this file is ever read as a command,
# but what GL_RUN holds, which the workflow's author wrote to be run.
set -eu

say() {
	printf 'git-ledger: %s\n' "$1"
}

fail() {
	say "$1" >&2
	exit 128
}

# a setting for the git that git-ledger starts, in no file of the repository
settings=0
setting() {
	export "GIT_CONFIG_KEY_$settings=$1" "GIT_CONFIG_VALUE_$settings=$2"
	settings=$((settings + 1))
	export "GIT_CONFIG_COUNT=$settings"
}

temporary=${RUNNER_TEMP:-${TMPDIR:-/tmp}}
cd "${GL_DIRECTORY:-.}"

program=${GL_PROGRAM:-}
if [ -z "$program" ] && ! program=$(command -v git-ledger); then
	program=$temporary/git-ledger-${GL_VERSION:?}/bin/git-ledger
	if [ ! -x "$program" ]; then
		command -v cargo >/dev/null || fail 'git-ledger is not on PATH, and there is no cargo to install it with'
		say "installing git-ledger $GL_VERSION"
		cargo install --quiet --locked --root "${program%/bin/*}" "git-ledger@$GL_VERSION" ||
			fail 'it could not be installed: the version may not be published; put it into the image of the job, or name it with "program"'
	fi
fi
ledger() {
	"$program" ${GL_LEDGER:+"--ledger=$GL_LEDGER"} "$@"
}

# the job's own token, unless checkout left one: a host refuses two
if [ -n "${GL_TOKEN:-}" ] && ! git config --get-regexp '^http\..*extraheader$' >/dev/null; then
	basic=$(printf 'x-access-token:%s' "$GL_TOKEN" | base64 | tr -d '\n')
	setting "http.${GL_SERVER:?}/.extraHeader" "Authorization: Basic $basic"
fi
unset GL_TOKEN
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || export "GIT_LEDGER_SUMMARY=$GITHUB_STEP_SUMMARY"
[ -n "${GIT_LEDGER_KEY:-}" ] || say 'no key was handed over (secret GIT_LEDGER_KEY); builds of forks get none'

remotes=${GL_REMOTE:?}
while IFS= read -r line; do
	case $line in
	'') ;;
	*=*)
		setting "remote.${line%%=*}.url" "${line#*=}"
		remotes="$remotes
${line%%=*}"
		;;
	*) fail 'mirrors are lines of NAME=URL' ;;
	esac
done <<END
${GL_MIRRORS:-}
END

# the log obeys lines like "::error::…"; what is printed from here on may hold foreign words
quiet() {
	token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	printf '::stop-commands::%s\n' "$token"
	status=0
	"$@" || status=$?
	printf '\n::%s::\n' "$token"
	return "$status"
}

# what waits after this step is kept as an artifact of the run
spool=$(git rev-parse --git-common-dir)/git-ledger/spool
waiting() {
	find "$spool" -name '*.json' -type f 2>/dev/null | grep -q .
}
keep() {
	status=$?
	trap - EXIT
	if waiting; then
		kept=$(mktemp -d "$temporary/git-ledger-spool-XXXXXXXX")
		cp -R "$spool/." "$kept"
		printf 'spool=%s\nname=%s\n' "$kept" "${kept##*/}" >>"${GITHUB_OUTPUT:-/dev/null}"
		say 'events wait in the spool of this job; they are kept with the run'
	fi
	exit "$status"
}
trap keep EXIT

if waiting; then
	quiet ledger flush || say 'what waits could not be recorded yet'
fi

set -- "--on-failure=${GL_ON_FAILURE:-policy}"
while IFS= read -r line; do
	set -- "$@" "--push=$line"
done <<END
$remotes
END
[ -z "${GL_OIDC:-}" ] || set -- "$@" "--oidc=$GL_OIDC"

if [ -n "${GL_RUN:-}" ]; then
	while IFS= read -r line; do
		[ -z "$line" ] || set -- "$@" "--watch=$line"
	done <<END
${GL_WATCH:-}
END
	while IFS= read -r line; do
		[ -z "$line" ] || set -- "$@" "--artifact=$line"
	done <<END
${GL_ARTIFACTS:-}
END
	while IFS= read -r line; do
		[ -z "$line" ] || set -- "$@" "--env=$line"
	done <<END
${GL_ENV:-}
END
	set -- "$@" "--name=${GL_NAME:-${GITHUB_JOB:-step}}" -- env
	# the command sees neither the keys nor the token
	while [ "$settings" -gt 0 ]; do
		settings=$((settings - 1))
		set -- "$@" -u "GIT_CONFIG_KEY_$settings" -u "GIT_CONFIG_VALUE_$settings"
	done
	# (runners made from act name the inputs, too)
	for name in GIT_CONFIG_COUNT GIT_LEDGER_KEY GIT_LEDGER_DIGEST_KEY GIT_LEDGER_SUMMARY \
		INPUT_KEY INPUT_DIGEST_KEY INPUT_DIGEST-KEY INPUT_TOKEN; do
		set -- "$@" -u "$name"
	done
	# what it says are its own commands to the log
	ledger run "$@" bash --noprofile --norc -eo pipefail -c "$GL_RUN"
	exit
fi

if [ -n "${GL_CONFIG:-}${GL_ENV:-}" ]; then
	while IFS= read -r line; do
		[ -z "$line" ] || set -- "$@" "--config=$line"
	done <<END
${GL_CONFIG:-}
END
	while IFS= read -r line; do
		[ -z "$line" ] || set -- "$@" "--env=$line"
	done <<END
${GL_ENV:-}
END
	quiet ledger snapshot "$@"
elif [ -n "${GL_TYPE:-}" ]; then
	while IFS= read -r line; do
		[ -z "$line" ] || set -- "$@" "--data=$line"
	done <<END
${GL_DATA:-}
END
	[ -z "${GL_SOURCE:-}" ] || set -- "$@" "--source=$GL_SOURCE"
	[ -z "${GL_SUBJECT:-}" ] || set -- "$@" "--subject=$GL_SUBJECT"
	[ -z "${GL_ID:-}" ] || set -- "$@" "--id=$GL_ID"
	[ "${GL_CDEVENT:-false}" = false ] || set -- "$@" --cdevent
	quiet ledger append "$@" -- "$GL_TYPE"
fi
