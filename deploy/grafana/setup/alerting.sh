# shellcheck shell=bash disable=SC2016,SC2034,SC2154
# The part of setup-grafana.sh that sets up alerting: rule groups, contact points and notification policies. The names
# that it reads are set there.

put_rules() {
  head_line 'Alert rules'
  doing='the alert rules' && request GET /api/v1/provisioning/alert-rules && expect 200
  cp "$answer" "$work/rules"
  local group
  while IFS= read -r group; do put_group "$group"; done < <(jq -r '.groups[].title' "$alerting_file")
}

put_group() {
  local path send summary line
  path=/api/v1/provisioning/folder/$folder_uid/rule-groups/$(encoded "$1")
  doing="the rule group $1"
  request GET "$path" && expect 200 404
  [ "$status" = 200 ] || echo null >"$answer"
  run_jq --arg folder "$folder_uid" --arg group "$1" --arg uid "$prometheus" --argjson overwrite "$overwrite" \
    --slurpfile stored "$work/rules" --slurpfile now "$answer" \
    'include "grafana"; group_plan($folder; $group; $uid; $overwrite; $stored[0]; $now[0])' "$alerting_file" >"$work/plan"
  jq -r '.send, .summary, .told[]' "$work/plan" >"$work/lines"
  {
    IFS= read -r send
    IFS= read -r summary
    if $send && ! send_group "$path"; then
      leave "group $1 was changed by somebody at this moment ($(said)); run this again"
      return
    fi
    done_line "group $1: $summary"
    while IFS= read -r line; do
      case $line in note*) note "${line#note }" ;; *) leave "${line#left }" ;; esac
    done
  } <"$work/lines"
}

# send_group PATH: fails if somebody was faster.
send_group() {
  jq .body "$work/plan" >"$work/body"
  request PUT "$1" "$work/body"
  [[ $status != 409 && $status != 412 ]] || return 1
  expect 200
}

put_contact_points() {
  head_line 'Contact points'
  doing='the contact points' && request GET /api/v1/provisioning/contact-points && expect 200
  run_jq -r --argjson overwrite "$overwrite" --slurpfile stored "$answer" \
    'include "grafana"; .contactPoints[] | "\(contact_verdict($stored[0]; $overwrite)) \(.uid) \(.name)"' \
    "$alerting_file" >"$work/verdicts"
  local verdict uid name
  while read -r verdict uid name; do put_contact_point "$verdict" "$uid" "$name"; done <"$work/verdicts"
}

put_contact_point() {
  doing="the contact point $3"
  case $1 in
    keyless) note "$3 is not made: its key is not given" && return ;;
    theirs) note "$3 is there, made by somebody else; it is used as it is" && return ;;
    provisioned) leave "$3 comes from a file or another tool; change it there" && return ;;
    kept) leave "$3 was changed by hand; --overwrite replaces it" && return ;;
  esac
  run_jq --arg uid "$2" 'include "grafana"; .contactPoints[] | select(.uid == $uid) | filled' "$alerting_file" >"$work/body"
  if [ "$1" = new ]; then
    request POST /api/v1/provisioning/contact-points "$work/body"
  else
    request PUT "/api/v1/provisioning/contact-points/$(encoded "$2")" "$work/body"
  fi
  expect 200 201 202
  done_line "$3"
}

# The API replaces the whole tree. It is fetched, kept as a backup, and sent back with one branch more.
put_policies() {
  head_line 'Notification policies'
  doing='the notification policies'
  request GET /api/v1/provisioning/contact-points && expect 200
  cp "$answer" "$work/contacts"
  request GET /api/v1/provisioning/policies && expect 200
  cp "$answer" "$work/tree"
  run_jq --argjson overwrite "$overwrite" --slurpfile wanted "$alerting_file" --slurpfile contacts "$work/contacts" \
    'include "grafana"; merged_policies(reachable($wanted[0].policy; [$contacts[0][].name]); $overwrite)' \
    "$work/tree" >"$work/policies"
  case $(jq -r .outcome "$work/policies") in
    none) note 'not changed: there is none of the contact points to send to' ;;
    same) done_line 'as they should be' ;;
    kept) leave 'the branch component=warming was changed by hand; --overwrite replaces it' ;;
    provisioned) leave 'they come from a file or another tool; change them there' ;;
    merged) send_policies ;;
  esac
}

send_policies() {
  local backup
  backup="grafana-policies-$(date -u +%Y%m%dT%H%M%SZ)-$$.json"
  cp "$work/tree" "$backup" || fail 'The backup cannot be written into the current folder; the policies were not changed.'
  jq .tree "$work/policies" >"$work/body"
  request PUT /api/v1/provisioning/policies "$work/body" && expect 200 202
  done_line "the branch component=warming goes first; the tree before is in $backup"
}
