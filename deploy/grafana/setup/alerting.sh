# shellcheck shell=bash disable=SC2016,SC2034,SC2154
# The part of setup-grafana.sh that sets up alerting: rule groups, contact points and notification policies. The names
# that it reads are set there.

put_rules() {
  head_line 'Alert rules'
  doing='the alert rules' && request GET /api/v1/provisioning/alert-rules && expect 200
  cp "$answer" "$work/rules"
  local index count
  count=$(jq '.groups | length' "$alerting_file")
  for ((index = 0; index < count; index++)); do put_group "$index"; done
}

put_group() {
  local group path interval
  group=$(jq -r ".groups[$1].title" "$alerting_file") interval=$(jq -r ".groups[$1].interval" "$alerting_file")
  path=/api/v1/provisioning/folder/$folder_uid/rule-groups/$(encoded "$group")
  doing="the rule group $group"
  run_jq --argjson index "$1" --arg folder "$folder_uid" --arg group "$group" --arg uid "$prometheus" \
    --argjson overwrite "$overwrite" --slurpfile stored "$work/rules" \
    'include "grafana"; [.groups[$index].rules[] | prepared($folder; $group; $uid)] as $wanted
      | merged_group($wanted; $group; $stored[0]; $overwrite)' "$alerting_file" >"$work/merged"
  request GET "$path" && expect 200 404
  if [ "$status" = 200 ]; then
    local now
    now=$(jq -r .interval "$answer")
    if [ "$now" != "$interval" ] && ! $overwrite; then
      leave "group $group is evaluated every $now s, not every $interval s; --overwrite sets it"
      interval=$now
    fi
    if [ "$now" != "$interval" ]; then
      jq '.changed = true' "$work/merged" >"$work/again" && mv "$work/again" "$work/merged"
    fi
  fi
  send_group "$group" "$interval" "$path"
  tell_left "$group"
}

send_group() {
  if jq -e '(.blocked | not) and (.changed or .dropped != [] or any(.verdicts[]; .verdict == "new" or .verdict == "ours"))' "$work/merged" >"$work/checked"; then
    jq --arg title "$1" --argjson interval "$2" --arg folder "$folder_uid" \
      '{ $title, $interval, folderUid: $folder, rules }' "$work/merged" >"$work/body"
    request PUT "$3" "$work/body"
    case $status in
      409 | 412)
        leave "group $1 was changed by somebody at this moment ($(said)); run this again"
        return
        ;;
    esac
    expect 200
  fi
  done_line "group $1: $(jq -r '[.verdicts[] | .verdict] | group_by(.)
    | map("\(length) \({ new: "made", ours: "changed", same: "as they should be" }[.[0]] // "left")") | join(", ")' "$work/merged")"
}

tell_left() {
  local line
  while IFS= read -r line; do leave "$line"; done < <(jq -r '.verdicts[] | select(.verdict != "new" and .verdict != "ours" and .verdict != "same")
    | "rule \(.title) " + { kept: "was changed by hand; --overwrite replaces it",
        elsewhere: "was moved to another folder or group; --overwrite brings it back",
        provisioned: "comes from a file or another tool; change it there" }[.verdict]' "$work/merged")
  while IFS= read -r line; do note "$line"; done < <(
    jq -r '.dropped[] | "rule \(.), of an earlier release, is gone"' "$work/merged")
}

# contact_point NAME: leaves it in $work/contact; fails if a key that it needs is not given.
contact_point() {
  run_jq -e --arg name "$1" 'include "grafana"; .contactPoints[] | select(.name == $name and has_its_keys)' \
    "$alerting_file" >"$work/contact"
}

put_contact_points() {
  head_line 'Contact points'
  doing='the contact points' && request GET /api/v1/provisioning/contact-points && expect 200
  cp "$answer" "$work/contacts"
  local name
  while IFS= read -r name; do put_contact_point "$name"; done < <(jq -r '.contactPoints[].name' "$alerting_file")
}

put_contact_point() {
  doing="the contact point $1"
  if ! contact_point "$1"; then
    note "$1 is not made: its key is not given"
    return
  fi
  local how
  how=$(run_jq -r --argjson overwrite "$overwrite" --slurpfile all "$work/contacts" 'include "grafana";
    . as $wanted | ([$all[0][] | select(.uid == $wanted.uid)][0]) as $stored
    | if $stored == null then (if any($all[0][]; .name == $wanted.name) then "theirs" else "new" end)
      elif ($stored.provenance // "") != "" then "provisioned"
      elif $overwrite or same_contact($stored) then "ours" else "kept" end' "$work/contact")
  case $how in
    theirs) note "$1 is there, made by somebody else; it is used as it is" && return ;;
    provisioned) leave "$1 comes from a file or another tool; change it there" && return ;;
    kept) leave "$1 was changed by hand; --overwrite replaces it" && return ;;
  esac
  run_jq 'include "grafana"; filled' "$work/contact" >"$work/body"
  if [ "$how" = new ]; then
    request POST /api/v1/provisioning/contact-points "$work/body"
  else
    request PUT "/api/v1/provisioning/contact-points/$(jq -r .uid "$work/contact")" "$work/body"
  fi
  expect 200 201 202
  done_line "$1"
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
