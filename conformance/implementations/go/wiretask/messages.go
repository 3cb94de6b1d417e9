package wiretask

// Layout is what a message is made of: its fields in order, its tags, and the relayed struct at its end.
type Layout struct {
	Name    string
	Command uint64
	fields  []Field
	tags    tagged
	relay   string
	rules   []func(Fields) bool
}

// RelayedLayout is a struct that travels through the scheduler as it is.
type RelayedLayout struct {
	fields   []Field
	tags     tagged
	critical bool // whether a tag may be one that must be understood
}

// Structs (PROTOCOL.md, Types).
var (
	versionRange = func() Type {
		t := structOf([]Field{{"min_version", u16.from(1)}, {"max_version", u16.from(1)}})
		// R-HEL-005
		t.rule = func(f Fields) bool { return f["min_version"].(uint64) <= f["max_version"].(uint64) }
		return t
	}()
	queueWeight = structOf([]Field{{"queue", name}, {"weight", u16.from(1)}})
	typeSupport = structOf([]Field{{"type", name}, {"cancel", enum}, {"max_attempts", u16}})
	resource    = structOf([]Field{{"name", name}, {"amount", u64}})
	header      = structOf([]Field{{"name", name}, {"text", line}})
	heldLease   = structOf([]Field{{"task_id", taskID}, {"lease", lease.from(1)}})
	retryPolicy = structOf([]Field{
		{"base", millis}, {"factor", u16.from(1000)}, {"cap", millis}, {"jitter", u16.to(1000)},
	})
	uniqueKey      = structOf([]Field{{"key", name}, {"scope", enum}, {"until", enum}, {"hold", millis}})
	group          = structOf([]Field{{"callback", taskID}, {"index", u16}})
	gather         = structOf([]Field{{"size", u16}, {"form", enum}})
	memberResult   = structOf([]Field{{"outcome", enum}, {"report", body}})
	gathered       = structOf([]Field{{"form", enum}, {"results", listOf(memberResult, 65535)}})
	concurrencyKey = structOf([]Field{{"key", name}, {"limit", u16.from(1)}})
	rateKey        = structOf([]Field{
		{"key", name}, {"limit", u32.from(1)}, {"period", millis.from(1)}, {"burst", u32.from(1)},
	})
	fairnessKey   = structOf([]Field{{"key", name}, {"weight", u16.from(1)}})
	attemptRecord = structOf([]Field{
		{"attempt", u16}, {"outcome", enum}, {"ended", age}, {"worker", line}, {"error", line},
	})
	envelopeType = Type{kind: relayed, relay: "Envelope"}
	submitFlags  = Type{kind: flagSet, width: 2, max: 7}
)

// Relayed are the relayed structs.
var Relayed = map[string]RelayedLayout{
	"Envelope": {
		fields: []Field{{"type", name}, {"queue", name}, {"encoding", enum}},
		tags: tagged{
			1: {"headers", listOf(header, 65535)},
			2: {"trace_context", line},
			3: {"trace_state", line},
		},
		critical: true,
	},
	"Report": {
		fields: []Field{{"encoding", enum}},
		tags: tagged{
			1: {"error_type", line},
			2: {"error_message", longText},
			3: {"traceback", longText},
		},
	},
}

func taskOptions() tagged {
	return tagged{
		1:  {"delay", millis.from(1)},
		2:  {"not_before", u64},
		3:  {"expires_in", millis.from(1)},
		4:  {"expires_at", u64},
		5:  {"time_limit", millis.from(1)},
		6:  {"max_attempts", u16.from(1)},
		7:  {"retry", retryPolicy},
		8:  {"unique", uniqueKey},
		9:  {"requires", listOf(name, 64)},
		10: {"after", listOf(taskID, 65535)},
		11: {"on_dependency_failure", enum},
		12: {"group", group},
		13: {"concurrency", concurrencyKey},
		14: {"rate", rateKey},
		15: {"fairness", fairnessKey},
		16: {"retention", age},
		17: {"cost", u16.from(1)},
		18: {"resources", listOf(resource, 64)},
		19: {"note", line},
		20: {"gather", gather},
	}
}

func scheduleTags() tagged {
	tags := taskOptions()
	for number, field := range (tagged{
		64: {"cron", line},
		65: {"every", millis.from(1)},
		66: {"zone", name},
		67: {"overlap", enum},
		68: {"catch_up", enum},
		69: {"spread", millis},
		70: {"envelope", envelopeType},
	}) {
		tags[number] = field
	}
	return tags
}

func has(f Fields, names ...string) bool {
	for _, n := range names {
		if _, there := f[n]; !there {
			return false
		}
	}
	return true
}

func is(f Fields, n string, value uint64) bool { return f[n].(uint64) == value }

var seq = Field{"seq", u64.from(1)}

// Messages are all messages, by their command; ByName, by their name.
var Messages, ByName = index(layouts)

func index(layouts []*Layout) (map[uint64]*Layout, map[string]*Layout) {
	byCommand, byName := map[uint64]*Layout{}, map[string]*Layout{}
	for _, layout := range layouts {
		byCommand[layout.Command], byName[layout.Name] = layout, layout
	}
	return byCommand, byName
}

var layouts = []*Layout{
	{Name: "Task", Command: 1, relay: "Envelope",
		fields: []Field{
			{"task_id", taskID}, {"lease", lease.from(1)}, {"attempt", u16.from(1)},
			{"time_limit", millis}, {"remaining", millis},
		},
		tags: tagged{
			1: {"cost", u16.from(1)},
			2: {"resources", listOf(resource, 64)},
			3: {"gathered", gathered},
		}},
	{Name: "Result", Command: 2, relay: "Report",
		fields: []Field{seq, {"task_id", taskID}, {"lease", lease}, {"outcome", enum}},
		tags: tagged{
			1: {"no_retry", boolType},
			2: {"retry_after", millis},
			3: {"exit_status", u16},
			4: {"attempt", u16},
		}},
	{Name: "Hello", Command: 3,
		fields: []Field{{"kind", closed(4)}, {"nonce", u64}},
		tags: tagged{
			1:  {"versions", versionRange},
			2:  {"role", enum},
			3:  {"version", u16.from(1)},
			4:  {"agent", line},
			5:  {"frame_limit", u32.from(65536).to(67108864)},
			6:  {"heartbeat", millis.from(100).to(600000)},
			7:  {"in_flight", u32.from(1).to(1000000)},
			8:  {"key_id", name},
			9:  {"session", bytesOf(16)},
			10: {"dedup_window", age},
			11: {"proof", bytesOf(32)},
			12: {"name", line},
		},
		rules: []func(Fields) bool{
			// R-HEL-001, R-HEL-002, R-HEL-003
			func(f Fields) bool { return !is(f, "kind", Open) || has(f, "versions", "role") },
			func(f Fields) bool { return !is(f, "kind", Accept) || has(f, "version") },
			func(f Fields) bool { return is(f, "kind", Open) || is(f, "kind", Accept) || len(f) == 2 },
		}},
	{Name: "Error", Command: 4,
		fields: []Field{
			{"code", u16}, {"scope", enum}, {"retry", enum}, {"command", u8}, {"seq", u64},
			{"text", line},
		},
		tags: tagged{
			1: {"task_id", taskID},
			2: {"retry_after", millis},
			3: {"address", line},
			4: {"existing_id", taskID},
			5: {"field", line},
			6: {"offset", u32},
		}},
	{Name: "Auth", Command: 5,
		fields: []Field{{"kind", closed(2)}, {"nonce", bytesOf(32)}},
		tags:   tagged{1: {"proof", bytesOf(32)}},
		// R-AUT-001, R-AUT-002
		rules: []func(Fields) bool{func(f Fields) bool { return is(f, "kind", 2) == has(f, "proof") }}},
	{Name: "Goodbye", Command: 6, fields: []Field{{"reason", enum}}, tags: tagged{
		1: {"text", line},
		2: {"reconnect_after", millis},
	}},
	{Name: "Submit", Command: 7, relay: "Envelope",
		fields: []Field{
			seq, {"task_id", taskID}, {"flags", submitFlags}, {"priority", u8.to(9)},
		}, tags: taskOptions()},
	{Name: "Accepted", Command: 8, fields: []Field{seq}},
	{Name: "Subscribe", Command: 9,
		fields: []Field{{"queues", listOf(queueWeight, 1024)}, {"types", listOf(typeSupport, 4096)}},
		tags: tagged{
			1: {"labels", listOf(name, 256)},
			2: {"resources", listOf(resource, 256)},
		}},
	{Name: "Credit", Command: 10, fields: []Field{{"slots", u32}, {"octets", u64}, {"begun", lease}},
		tags: tagged{1: {"concurrency", u32.from(1)}}},
	{Name: "Cancel", Command: 11, fields: []Field{
		seq, {"task_id", taskID}, {"lease", lease}, {"mode", enum},
	}, tags: tagged{1: {"tree", boolType}}},
	{Name: "Progress", Command: 12,
		fields: []Field{
			{"task_id", taskID}, {"lease", lease}, {"current", u64}, {"total", u64}, {"body", body},
		},
		tags: tagged{1: {"text", line}}},
	{Name: "Query", Command: 13, fields: []Field{seq, {"task_id", taskID}}},
	{Name: "Status", Command: 14,
		fields: []Field{
			{"query", u64.from(1)}, {"task_id", taskID}, {"state", enum}, {"reason", enum},
			{"attempt", u16}, {"type", name}, {"queue", name},
		},
		tags: tagged{
			1:  {"detail", line},
			2:  {"priority", u8},
			3:  {"submitted", age},
			4:  {"started", age},
			5:  {"ended", age},
			6:  {"due", age},
			7:  {"outcome", enum},
			8:  {"worker", line},
			9:  {"error_type", line},
			10: {"error_message", line},
			11: {"max_attempts", u16},
			12: {"ahead", u32},
			13: {"history", listOf(attemptRecord, 64)},
			14: {"deliveries", u16},
		}},
	{Name: "Await", Command: 15, fields: []Field{
		seq, {"task_id", taskID},
	}, tags: tagged{1: {"progress", boolType}}},
	{Name: "Schedule", Command: 16, tags: scheduleTags(),
		fields: []Field{seq, {"name", name}, {"action", closed(2)}, {"priority", u8.to(9)}},
		rules: []func(Fields) bool{
			// R-SCH-001, R-SCH-002
			func(f Fields) bool {
				return !is(f, "action", 1) || has(f, "envelope") && (has(f, "cron") || has(f, "every"))
			},
			func(f Fields) bool { return !is(f, "action", 2) || len(f) == 4 },
		}},
	{Name: "Retract", Command: 17, fields: []Field{{"task_id", taskID}, {"lease", lease.from(1)}}},
	{Name: "Return", Command: 18, fields: []Field{
		seq, {"task_id", taskID}, {"lease", lease.from(1)}, {"reason", enum},
	}, tags: tagged{1: {"text", line}}},
	{Name: "Resume", Command: 19, fields: []Field{
		{"session", bytesOf(16)}, {"leases", listOf(heldLease, 65535)},
	}},
}
