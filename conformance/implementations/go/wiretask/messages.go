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

func field(n string, t Type) Field { return Field{n, t} }

// Structs (PROTOCOL.md, Types).
var (
	versionRange = func() Type {
		t := structOf(field("min_version", u16.from(1)), field("max_version", u16.from(1)))
		t.rule = func(f Fields) bool { return f["min_version"].(uint64) <= f["max_version"].(uint64) }
		return t
	}()
	queueWeight    = structOf(field("queue", name), field("weight", u16.from(1)))
	typeSupport    = structOf(field("type", name), field("cancel", enum), field("max_attempts", u16))
	resource       = structOf(field("name", name), field("amount", u64))
	header         = structOf(field("name", name), field("text", line))
	heldLease      = structOf(field("task_id", taskID), field("lease", lease.from(1)))
	retryPolicy    = structOf(field("base", millis), field("factor", u16.from(1000)), field("cap", millis), field("jitter", u16.to(1000)))
	uniqueKey      = structOf(field("key", name), field("scope", enum), field("until", enum), field("hold", millis))
	group          = structOf(field("callback", taskID), field("index", u32), field("size", u32.from(1)))
	concurrencyKey = structOf(field("key", name), field("limit", u16.from(1)))
	rateKey        = structOf(field("key", name), field("limit", u32.from(1)), field("period", millis.from(1)), field("burst", u32.from(1)))
	fairnessKey    = structOf(field("key", name), field("weight", u16.from(1)))
	attemptRecord  = structOf(field("attempt", u16), field("outcome", enum), field("ended", age), field("worker", line), field("error", line))
	envelopeType   = Type{kind: relayed, relay: "Envelope"}
	submitFlags    = Type{kind: flagSet, width: 2, max: 7}
)

// Relayed are the relayed structs.
var Relayed = map[string]RelayedLayout{
	"Envelope": {
		fields:   []Field{field("type", name), field("queue", name), field("encoding", enum)},
		tags:     tagged{1: field("headers", listOf(header, 65535)), 2: field("trace_context", line), 3: field("trace_state", line)},
		critical: true,
	},
	"Report": {
		fields: []Field{field("encoding", enum)},
		tags:   tagged{1: field("error_type", line), 2: field("error_message", longText), 3: field("traceback", longText)},
	},
}

func taskOptions() tagged {
	return tagged{
		1: field("delay", millis.from(1)), 2: field("not_before", u64), 3: field("expires_in", millis.from(1)), 4: field("expires_at", u64),
		5: field("time_limit", millis.from(1)), 6: field("max_attempts", u16.from(1)), 7: field("retry", retryPolicy),
		8: field("unique", uniqueKey), 9: field("requires", listOf(name, 64)), 10: field("after", listOf(taskID, 65535)),
		11: field("on_dependency_failure", enum), 12: field("group", group), 13: field("concurrency", concurrencyKey),
		14: field("rate", rateKey), 15: field("fairness", fairnessKey), 16: field("retention", age), 17: field("cost", u16.from(1)),
		18: field("resources", listOf(resource, 64)), 19: field("note", line),
	}
}

func scheduleTags() tagged {
	tags := taskOptions()
	tags[64], tags[65], tags[66] = field("cron", line), field("every", millis.from(1)), field("zone", name)
	tags[67], tags[68], tags[69], tags[70] = field("overlap", enum), field("catch_up", enum), field("spread", millis), field("envelope", envelopeType)
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

var seq = field("seq", u64.from(1))

// Messages are all messages, by their command.
var Messages = map[uint64]*Layout{}

// ByName are all messages, by their name.
var ByName = map[string]*Layout{}

func init() {
	for _, layout := range layouts() {
		Messages[layout.Command], ByName[layout.Name] = layout, layout
	}
}

func layouts() []*Layout {
	return []*Layout{
		{Name: "Task", Command: 1, relay: "Envelope",
			fields: []Field{field("task_id", taskID), field("lease", lease.from(1)), field("attempt", u16.from(1)), field("time_limit", millis), field("remaining", millis)},
			tags:   tagged{1: field("cost", u16.from(1)), 2: field("resources", listOf(resource, 64))}},
		{Name: "Result", Command: 2, relay: "Report",
			fields: []Field{seq, field("task_id", taskID), field("lease", lease), field("outcome", enum)},
			tags:   tagged{1: field("no_retry", boolType), 2: field("retry_after", millis), 3: field("exit_status", u16), 4: field("attempt", u16)}},
		{Name: "Hello", Command: 3,
			fields: []Field{field("kind", closed(4)), field("nonce", u64)},
			tags: tagged{1: field("versions", versionRange), 2: field("role", enum), 3: field("version", u16.from(1)), 4: field("agent", line),
				5: field("frame_limit", u32.from(65536).to(67108864)), 6: field("heartbeat", millis.from(100).to(600000)),
				7: field("in_flight", u32.from(1).to(1000000)), 8: field("key_id", name), 9: field("session", bytesOf(16)),
				10: field("dedup_window", age), 11: field("proof", bytesOf(32)), 12: field("name", line)},
			rules: []func(Fields) bool{
				func(f Fields) bool { return !is(f, "kind", Open) || has(f, "versions", "role") },
				func(f Fields) bool { return !is(f, "kind", Accept) || has(f, "version") },
				func(f Fields) bool { return is(f, "kind", Open) || is(f, "kind", Accept) || len(f) == 2 },
			}},
		{Name: "Error", Command: 4,
			fields: []Field{field("code", u16), field("scope", enum), field("retry", enum), field("command", u8), field("seq", u64), field("text", line)},
			tags: tagged{1: field("task_id", taskID), 2: field("retry_after", millis), 3: field("address", line), 4: field("existing_id", taskID),
				5: field("field", line), 6: field("offset", u32)}},
		{Name: "Auth", Command: 5,
			fields: []Field{field("kind", closed(2)), field("nonce", bytesOf(32))},
			tags:   tagged{1: field("proof", bytesOf(32))},
			rules:  []func(Fields) bool{func(f Fields) bool { return is(f, "kind", 2) == has(f, "proof") }}},
		{Name: "Goodbye", Command: 6, fields: []Field{field("reason", enum)}, tags: tagged{1: field("text", line), 2: field("reconnect_after", millis)}},
		{Name: "Submit", Command: 7, relay: "Envelope",
			fields: []Field{seq, field("task_id", taskID), field("flags", submitFlags), field("priority", u8.to(9))}, tags: taskOptions()},
		{Name: "Accepted", Command: 8, fields: []Field{seq}},
		{Name: "Subscribe", Command: 9,
			fields: []Field{field("queues", listOf(queueWeight, 1024)), field("types", listOf(typeSupport, 4096))},
			tags:   tagged{1: field("labels", listOf(name, 256)), 2: field("resources", listOf(resource, 256))}},
		{Name: "Credit", Command: 10, fields: []Field{field("slots", u32), field("octets", u64), field("begun", lease)}},
		{Name: "Cancel", Command: 11, fields: []Field{seq, field("task_id", taskID), field("lease", lease), field("mode", enum)}, tags: tagged{1: field("tree", boolType)}},
		{Name: "Progress", Command: 12,
			fields: []Field{field("task_id", taskID), field("lease", lease), field("current", u64), field("total", u64), field("body", body)},
			tags:   tagged{1: field("text", line)}},
		{Name: "Query", Command: 13, fields: []Field{seq, field("task_id", taskID)}},
		{Name: "Status", Command: 14,
			fields: []Field{field("query", u64.from(1)), field("task_id", taskID), field("state", enum), field("reason", enum), field("attempt", u16), field("type", name), field("queue", name)},
			tags: tagged{1: field("detail", line), 2: field("priority", u8), 3: field("submitted", age), 4: field("started", age), 5: field("ended", age),
				6: field("due", age), 7: field("outcome", enum), 8: field("worker", line), 9: field("error_type", line), 10: field("error_message", line),
				11: field("max_attempts", u16), 12: field("ahead", u32), 13: field("history", listOf(attemptRecord, 64)), 14: field("deliveries", u16)}},
		{Name: "Await", Command: 15, fields: []Field{seq, field("task_id", taskID)}, tags: tagged{1: field("progress", boolType)}},
		{Name: "Schedule", Command: 16, tags: scheduleTags(),
			fields: []Field{seq, field("name", name), field("action", closed(2)), field("priority", u8.to(9))},
			rules: []func(Fields) bool{
				func(f Fields) bool {
					return !is(f, "action", 1) || has(f, "envelope") && (has(f, "cron") || has(f, "every"))
				},
				func(f Fields) bool { return !is(f, "action", 2) || len(f) == 4 },
			}},
		{Name: "Retract", Command: 17, fields: []Field{field("task_id", taskID), field("lease", lease.from(1))}},
		{Name: "Return", Command: 18, fields: []Field{seq, field("task_id", taskID), field("lease", lease.from(1)), field("reason", enum)}, tags: tagged{1: field("text", line)}},
		{Name: "Resume", Command: 19, fields: []Field{field("session", bytesOf(16)), field("leases", listOf(heldLease, 65535))}},
	}
}
