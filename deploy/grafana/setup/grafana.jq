# What setup-grafana.sh compares and makes: dashboards, rules, contact points and notification policies as JSON.

# The dashboard, reading from this data source unless somebody picks another.
def with_source($uid; $name):
  del(.__inputs, .__requires)
  | (.templating.list[]? | select(.name == "DS_PROMETHEUS" and .type == "datasource"))
    |= (.current = { selected: true, text: $name, value: $uid });

def seconds:
  if type == "number" then . / 1000000000
  else { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400, w: 604800, y: 31536000 } as $units
    | [scan("([0-9]+)(ms|[smhdwy])") | (.[0] | tonumber) * $units[.[1]]] | add // 0
  end;

# What people change in a rule, in one form: Grafana adds fields of its own and writes durations its own way.
def essence:
  { title, condition, noDataState, execErrState, for: (.for // "0s" | seconds),
    keep_firing_for: (.keep_firing_for // "0s" | seconds), isPaused: (.isPaused // false),
    labels: (.labels // {}), annotations: (.annotations // {}),
    data: [.data[] | { refId, datasourceUid, relativeTimeRange,
      model: (.model | { expr, expression, type, conditions, reducer, settings }) }] };

# Older Grafanas do not know this field, and leave it out.
def known_to($stored): if ($stored | has("keep_firing_for")) then . else del(.keep_firing_for) end;

# Whether nobody has touched the rule since it was set up: what was written is kept in its first query.
def untouched:
  . as $stored
  | (.data[0].model.setUp // {} | known_to($stored)) == (essence | known_to($stored));

def prepared($folder; $group; $uid):
  .data |= map(if .datasourceUid == "__expr__" then . else
    .datasourceUid = $uid | .model.datasource = { type: "prometheus", $uid } end)
  | .folderUID = $folder | .ruleGroup = $group | .orgID = (.orgID // 1)
  | .data[0].model.setUp = essence;

# One of: new, same, ours, kept, elsewhere, provisioned. `kept` is by hand.
def verdict($stored; $overwrite):
  . as $wanted
  | if $stored == null then "new"
    elif ($stored.provenance // "") != "" then "provisioned"
    elif $stored.folderUID != $wanted.folderUID or $stored.ruleGroup != $wanted.ruleGroup then
      if $overwrite then "ours" else "elsewhere" end
    elif ($wanted | essence | known_to($stored)) == ($stored | essence | known_to($stored)) then "same"
    elif $overwrite or ($stored | untouched) then "ours"
    else "kept"
    end;

# { rules, verdicts, dropped }: the group as it is to be. Rules that somebody added stay; rules of an earlier release go.
def merged_group($wanted; $group; $stored; $overwrite):
  ($stored | map({ key: .uid, value: . }) | from_entries) as $by_uid
  | [$wanted[] | . as $rule | { rule: $rule, stored: $by_uid[.uid], verdict: verdict($by_uid[.uid]; $overwrite) }] as $judged
  | [$wanted[].uid] as $uids
  | [$stored[] | select(.folderUID == $wanted[0].folderUID and .ruleGroup == $group)
      | select(.uid as $uid | $uids | index($uid) | not)] as $others
  | {
      verdicts: [$judged[] | { verdict, title: .rule.title }],
      blocked: (any($judged[]; .verdict == "provisioned") or any($others[]; (.provenance // "") != "")),
      dropped: [$others[] | select(untouched) | .title],
      rules: ([$judged[] | select(.verdict != "elsewhere")
        | if .verdict == "new" or .verdict == "ours" then .rule else .stored end]
        + [$others[] | select(untouched | not)])
    };

def told($verdict):
  { kept: "was changed by hand; --overwrite replaces it",
    elsewhere: "was moved to another folder or group; --overwrite brings it back",
    provisioned: "comes from a file or another tool; change it there" }[$verdict];

# { send, body, summary, told }: what becomes of one group. $now is the group as Grafana has it, or null.
def group_plan($folder; $group; $uid; $overwrite; $stored; $now):
  (.groups[] | select(.title == $group)) as $ours
  | [$ours.rules[] | prepared($folder; $group; $uid)] as $wanted
  | merged_group($wanted; $group; $stored; $overwrite)
  | ($now.interval // $ours.interval) as $was
  | (if $overwrite then $ours.interval else $was end) as $interval
  | {
      send: ((.blocked | not)
        and (.dropped != [] or $interval != $was or any(.verdicts[]; .verdict == "new" or .verdict == "ours"))),
      body: { title: $group, $interval, folderUid: $folder, rules },
      summary: ([.verdicts[].verdict] | group_by({ new: 1, ours: 2, same: 3 }[.])
        | map("\(length) \({ new: "made", ours: "changed", same: "as they should be" }[.[0]] // "left")") | join(", ")),
      told: ([if $interval == $ours.interval then empty
          else "left group \($group) is evaluated every \($interval) s, not every \($ours.interval) s; --overwrite sets it" end]
        + [.verdicts[] | select(told(.verdict)) | "left rule \(.title) \(told(.verdict))"]
        + [.dropped[] | "note rule \(.), of an earlier release, is gone"])
    };

# Secrets come from the environment, as arguments of programs can be seen.
def filled: walk(if type == "string" and test("^\\$\\{[A-Z_]+\\}$") then $ENV[.[2:-1]] // "" else . end);
def has_its_keys: [.settings[] | strings | select(test("^\\$\\{[A-Z_]+\\}$")) | $ENV[.[2:-1]] // ""] | all(. != "");
def open_settings: .settings | with_entries(select(.value | (type == "string" and test("^\\$\\{[A-Z_]+\\}$")) | not));
# Whether Grafana's contact point says what ours says, but for keys, which Grafana does not show.
def same_contact($stored):
  .name == $stored.name and .type == $stored.type
  and (open_settings | to_entries | all(.value == $stored.settings[.key]));

# One of: keyless, new, theirs, provisioned, ours, kept.
def contact_verdict($all; $overwrite):
  . as $wanted
  | [$all[] | select(.uid == $wanted.uid)][0] as $stored
  | if has_its_keys | not then "keyless"
    elif $stored == null then if any($all[]; .name == $wanted.name) then "theirs" else "new" end
    elif ($stored.provenance // "") != "" then "provisioned"
    elif $overwrite or same_contact($stored) then "ours" else "kept" end;

def matchers: [(.object_matchers // [])[] | map(tostring)] | sort;
# Grafana leaves out what is empty and writes durations its own way.
def route_essence:
  { receiver: (.receiver // ""), matchers: matchers, group_by: (.group_by // []), continue: (.continue // false),
    mute: (.mute_time_intervals // []), waits: [.group_wait, .group_interval, .repeat_interval | (. // "0s") | seconds] };
# A branch whose every policy is one of ours was made by us, perhaps when fewer keys were given.
def part_of($branch):
  route_essence == ($branch | route_essence)
  and ([(.routes // [])[] | route_essence] - [($branch.routes // [])[] | route_essence] == []);

# The branch, without policies whose contact point is not there: Grafana refuses a tree that names one.
def reachable($branch; $names):
  $branch | .routes |= map(select(.receiver as $name | $names | index($name)));

# { outcome, tree }: the branch goes first, so that no earlier policy takes its alerts. What else is in the tree stays.
def merged_policies($branch; $overwrite):
  . as $tree
  | [(.routes // [])[] | select(matchers == ($branch | matchers))] as $mine
  | {
      outcome: (
        if $branch.routes == [] then "none"
        elif ($mine | length) == 1 and ($mine[0] | part_of($branch)) then
          if ($mine[0].routes // [] | length) == ($branch.routes | length) then "same" else "merged" end
        elif ($mine | length) > 0 and ($overwrite | not) then "kept"
        else "merged" end),
      tree: ($tree | del(.provenance) | .routes = [$branch] + [(.routes // [])[] | select(matchers != ($branch | matchers))])
    }
  | if .outcome != "none" and .outcome != "same" and ($tree.provenance // "") != "" then .outcome = "provisioned" else . end;
