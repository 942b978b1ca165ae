#!/usr/bin/env bash
# shellcheck disable=SC2016 # Programs of jq have variables of their own.
usage() {
  cat <<'TEXT'
Brings Forewarm's dashboard, alert rules, contact points and notification policies into a Grafana of version 9 or newer.

  deploy/grafana/setup-grafana.sh [options]

  --grafana-url URL       where Grafana is (GRAFANA_URL)
  --api-key TOKEN         token of a service account with the role Admin (GRAFANA_API_KEY)
  --prometheus-uid UID    uid of the data source (PROMETHEUS_UID); may be left out if there is one Prometheus alone
  --folder TITLE          folder of dashboard and rules; made if it is not there (Warming)
  --overwrite             also overwrites what somebody has changed by hand
  --dry-run               prints what would be done, without a network
  --help                  prints this

PAGERDUTY_SERVICE_KEY and SLACK_WEBHOOK_URL make the contact points that need them. Prefer the variables to options for
secrets: options are seen by everybody on the machine. It needs bash, curl and jq, and promtool if the rules are to be
checked first. Running it again changes nothing. A backup of the notification policies is put in the current folder.

Exit codes: 0 all is in place, 1 it failed, 2 wrong use, 3 something that was changed by hand was left as it is.
TEXT
}

set -euo pipefail
umask 077
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dashboard_file=$here/dashboards/warming-infrastructure.json
alerting_file=$here/setup/alerting.json
rules_file=$here/../prometheus/rules.yml
library=$here/setup

url=${GRAFANA_URL:-} token=${GRAFANA_API_KEY:-} prometheus=${PROMETHEUS_UID:-}
folder=Warming overwrite=false dry_run=false left=0
export PAGERDUTY_SERVICE_KEY=${PAGERDUTY_SERVICE_KEY:-} SLACK_WEBHOOK_URL=${SLACK_WEBHOOK_URL:-}

green='' yellow='' red='' bold='' plain=''
if [ -t 1 ] && [ -t 2 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
  green=$'\e[32m' yellow=$'\e[33m' red=$'\e[31m' bold=$'\e[1m' plain=$'\e[0m'
fi
head_line() { printf '%s%s%s\n' "$bold" "$*" "$plain"; }
done_line() { printf '  %sok%s    %s\n' "$green" "$plain" "$*"; }
note() { printf '  %snote%s  %s\n' "$yellow" "$plain" "$*"; }
leave() { printf '  %sleft%s  %s\n' "$yellow" "$plain" "$*" && left=$((left + 1)); }
fail() { printf '%serror%s %s\n' "$red" "$plain" "$*" >&2 && exit 1; }
refuse() { printf '%serror%s %s\n' "$red" "$plain" "$* See --help." >&2 && exit 2; }

parse_options() {
  while [ $# -gt 0 ]; do
    local name=$1
    shift
    case $name in
      --*=*) set -- "${name#*=}" "$@" && name=${name%%=*} ;;
      --grafana-url | --api-key | --prometheus-uid | --folder) [ $# -gt 0 ] || refuse "$name needs a value." ;;
    esac
    case $name in
      --grafana-url) url=$1 && shift ;;
      --api-key) token=$1 && shift ;;
      --prometheus-uid) prometheus=$1 && shift ;;
      --folder) folder=$1 && shift ;;
      --overwrite) overwrite=true ;;
      --dry-run) dry_run=true ;;
      --help | -h) usage && exit 0 ;;
      *) refuse "There is no option $name." ;;
    esac
  done
}

check_options() {
  [ -n "$folder" ] || refuse '--folder needs a title.'
  case $url in
    *@*) refuse 'The URL holds a user or a password; give a token instead.' ;;
    http://127.* | http://localhost | http://localhost[:/]* | https://*) ;;
    http://*) note 'The token goes over plain HTTP. Anybody on the way can read it.' ;;
    '') $dry_run || refuse 'Give --grafana-url or GRAFANA_URL.' ;;
    *) refuse 'The URL must begin with http:// or https://.' ;;
  esac
  case $url in *[[:space:]\"\\?#]*) refuse 'The URL holds characters that no address has.' ;; esac
  url=${url%/}
  [ -n "$token" ] || $dry_run || refuse 'Give GRAFANA_API_KEY, the token of a service account.'
  case $token in *[![:graph:]]* | *[\"\\]*) refuse 'The token holds characters that no token has.' ;; esac
}

check_files() {
  head_line 'Files'
  local program file
  for program in curl jq; do command -v "$program" >/dev/null || fail "$program is not installed."; done
  for file in "$dashboard_file" "$alerting_file"; do
    jq -e 'type == "object"' "$file" >"$work/checked" 2>&1 || fail "$file is missing, or is not JSON."
  done
  dashboard_uid=$(jq -er .uid "$dashboard_file") || fail "$dashboard_file has no uid."
  if ! command -v promtool >/dev/null; then
    note 'promtool is not installed; the rules are not checked.'
  elif promtool check rules "$rules_file" >"$work/promtool" 2>&1; then
    done_line 'promtool finds the rules right'
  else
    cat "$work/promtool" >&2
    fail 'promtool refuses the rules; nothing was changed.'
  fi
}

plan() {
  head_line 'Plan'
  printf '  dashboard %s into the folder %s\n' "$dashboard_uid" "$folder"
  jq -r '.groups[] | "  rule group \(.title): \(.rules | length) rules"' "$alerting_file"
  run_jq -r 'include "grafana"; .contactPoints[]
    | "  contact point \(.name)" + if has_its_keys then "" else " is not made: its key is not given" end' "$alerting_file"
  printf '  notification policies: the branch component=warming; the rest stays\n'
  $overwrite && printf '  what was changed by hand is overwritten\n'
  printf 'Nothing was sent.\n'
}

# request METHOD PATH [FILE]: sends the file as JSON, leaves the answer in $answer and its code in $status. Address and
# token reach curl over its standard input, as everybody can read its arguments.
request() {
  local more=()
  [ $# -lt 3 ] || more=(--header 'Content-Type: application/json' --data-binary "@$3")
  status=$(printf 'url = "%s%s"\nheader = "Authorization: Bearer %s"\n' "$url" "$2" "$token" |
    curl --config - --request "$1" --silent --show-error --connect-timeout 10 --max-time 60 --output "$answer" \
      --header 'Accept: application/json' --header 'X-Disable-Provenance: true' --write-out '%{http_code}' \
      ${more[@]+"${more[@]}"} 2>"$work/curl") ||
    fail "Grafana did not answer $1 $2: $(head -n 1 "$work/curl") What was done stays; run this again."
  case $status in
    401) fail "Grafana does not accept the token (401). It takes the token of a service account, not an old API key." ;;
    403) fail "The token may not $1 $2 (403). Give its service account the role Admin. $(said)" ;;
    3??) fail "Grafana sends $1 $2 elsewhere ($status). Is its address complete, with its path?" ;;
  esac
}

said() { jq -r '.message? // empty' "$answer" 2>/dev/null | head -c 300 || true; }
# expect CODE… : the last answer must have one of these codes and be JSON.
expect() {
  local code
  for code in "$@"; do
    if [ "$status" = "$code" ]; then
      local first=''
      IFS= read -r -n 1 first <"$answer" || true
      [[ $code == 404 || $first == [\{\[] ]] || fail "$url does not answer as Grafana does."
      return
    fi
  done
  fail "Grafana answered $status at: $doing. $(said) What was done stays; run this again."
}
encoded() {
  case $1 in
    *[!A-Za-z0-9_-]*) jq -rn --arg text "$1" '$text | @uri' ;;
    *) printf '%s' "$1" ;;
  esac
}
run_jq() { jq -L "$library" "$@"; }

check_grafana() {
  head_line "Grafana at $url"
  doing='its health' && request GET /api/health && expect 200
  local database version
  { IFS= read -r database && IFS= read -r version; } < <(jq -r '.database // "", .version // ""' "$answer")
  [ "$database" = ok ] || fail 'Grafana is up, but its database is not.'
  doing='the token' && request GET /api/org && expect 200
  if [ -z "$version" ]; then # A setting of Grafana hides it from those who are not signed in.
    doing='its version' && request GET /api/frontend/settings && expect 200
    version=$(jq -r '.buildInfo.version? // empty' "$answer")
  fi
  [[ ${version%%.*} =~ ^[0-9]+$ ]] || fail 'Grafana does not tell its version.'
  [ "${version%%.*}" -ge 9 ] || fail "This is Grafana $version; 9 or newer is needed."
  done_line "version $version"
  check_rights
  find_prometheus
}

check_rights() {
  doing='the rights of the token' && request GET /api/access-control/user/permissions && expect 200 404
  if [ "$status" = 404 ]; then
    note 'Grafana does not tell the rights of the token.'
    return
  fi
  local missing
  missing=$(jq -r '["datasources:read", "folders:read", "folders:create", "dashboards:read", "dashboards:create",
    "dashboards:write", "alert.provisioning:read", "alert.provisioning:write"] - keys | join(", ")' "$answer")
  [ -z "$missing" ] || fail "The token lacks rights: $missing. Give its service account the role Admin."
  done_line 'the token has the rights'
}

find_prometheus() {
  doing='the data source'
  if [ -z "$prometheus" ]; then
    request GET /api/datasources && expect 200
    prometheus=$(jq -r '[.[] | select(.type == "prometheus")] | if length == 1 then .[0].uid else "" end' "$answer")
    [ -n "$prometheus" ] || fail "Give --prometheus-uid. Prometheus data sources here: $(jq -r '[.[]
      | select(.type == "prometheus") | "\(.uid) (\(.name))"] | if . == [] then "none" else join(", ") end' "$answer")."
  fi
  request GET "/api/datasources/uid/$(encoded "$prometheus")" && expect 200 404
  [ "$status" = 200 ] || fail "There is no data source with the uid $prometheus."
  local type
  { IFS= read -r type && IFS= read -r prometheus_name; } < <(jq -r '.type, .name' "$answer")
  [[ $type == *prometheus* ]] || fail "The data source $prometheus is of the type $type, not Prometheus."
  done_line "data source $prometheus_name ($prometheus)"
}

find_folder() {
  head_line "Folder $folder"
  doing='the folder'
  request GET '/api/search?type=dash-folder&limit=5000' && expect 200
  folder_uid=$(jq -r --arg title "$folder" '[.[] | select(.title == $title)][0].uid // empty' "$answer")
  if [ -z "$folder_uid" ]; then
    jq -n --arg title "$folder" '{ $title }' >"$work/body"
    request POST /api/folders "$work/body" && expect 200
    folder_uid=$(jq -r .uid "$answer")
  fi
  done_line "$folder_uid"
}

put_dashboard() {
  head_line "Dashboard $dashboard_uid"
  doing='the dashboard'
  run_jq --arg uid "$prometheus" --arg name "$prometheus_name" 'include "grafana"; with_source($uid; $name)' \
    "$dashboard_file" >"$work/dashboard"
  local mark version=0 path=/api/dashboards/uid/$dashboard_uid
  mark="setup-grafana.sh $(cksum <"$work/dashboard" | tr ' ' -)"
  request GET "$path" && expect 200 404
  if [ "$status" = 200 ]; then
    local place path_of provisioned
    {
      IFS= read -r place
      IFS= read -r version
      IFS= read -r path_of
      IFS= read -r provisioned
    } < <(jq -r '.meta.folderUid // "", .dashboard.version, .meta.url, .meta.provisioned == true' "$answer")
    if $provisioned; then
      leave "comes from a file of Grafana's provisioning; change that file: $(address "$path_of")"
      return
    fi
    request GET "$path/versions?limit=1" && expect 200
    local last
    last=$(jq -r '(.versions? // .)[0].message // ""' "$answer" 2>/dev/null || true)
    if [ "$last" = "$mark" ] && [ "$place" = "$folder_uid" ]; then
      done_line "as it should be: $(address "$path_of")"
      return
    fi
    if ! $overwrite && { [[ $last != 'setup-grafana.sh '* ]] || [ "$place" != "$folder_uid" ]; }; then
      leave "was changed or moved by hand; --overwrite replaces it: $(address "$path_of")"
      return
    fi
  fi
  jq --arg folder "$folder_uid" --arg mark "$mark" --argjson version "$version" --argjson overwrite "$overwrite" \
    '{ dashboard: (. + { id: null, $version }), folderUid: $folder, message: $mark, $overwrite }' \
    "$work/dashboard" >"$work/body"
  request POST /api/dashboards/db "$work/body" && expect 200 412
  if [ "$status" = 412 ]; then
    leave "was changed by somebody at this moment; run this again"
  else
    done_line "imported: $(address "$(jq -r .url "$answer")")"
  fi
}

# Grafana's paths begin with its own, where it is not at the root of its host.
address() {
  local path=${url#*://}
  if [[ $path == */* && $1 == "/${path#*/}"/* ]]; then
    printf '%s%s' "${url%/"${path#*/}"}" "$1"
  else
    printf '%s%s' "$url" "$1"
  fi
}

# shellcheck source=deploy/grafana/setup/alerting.sh
source "$library/alerting.sh"

main() {
  parse_options "$@"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  answer=$work/answer
  check_options
  check_files
  if $dry_run; then
    plan
    return
  fi
  check_grafana
  find_folder
  put_dashboard
  put_rules
  put_contact_points
  put_policies
  [ "$left" -eq 0 ] || { printf '%s%d left as they were.%s\n' "$yellow" "$left" "$plain" && exit 3; }
  printf '%sAll is in place.%s\n' "$green" "$plain"
}
main "$@"
