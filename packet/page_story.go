package packet

import (
	"strings"

	"github.com/evidencefactory/evf/evidence"
)

// part is a piece of a sentence: words of ours, or a value with the place it
// comes from.
type part struct {
	Words string
	Value *printed
}

// teller writes sentences about one record.
type teller struct {
	source string // the record's seq
	typ    evidence.Type
	root   *node
	names  map[string]printed // of people whose name some record discloses, by pseudonym
}

// text is a field's content where it is there and open. A path stands for a
// pointer into the body, with @ for one into the record.
func (t *teller) text(path string) string {
	if n := t.root.at(pointerOf(path)); n != nil && n.closed == nil {
		return printText(n.value, "")
	}
	return ""
}

func pointerOf(path string) string {
	if rest, ok := strings.CutPrefix(path, "@"); ok {
		return "/" + rest
	}
	return "/body/" + path
}

// say fills the braces of a sentence: {path}, or {how:path} with how one of
// who, short, time, count and list.
func (t *teller) say(sentence string) (parts []part) {
	for {
		before, rest, ok := strings.Cut(sentence, "{")
		if before != "" {
			parts = append(parts, part{Words: before})
		}
		if !ok {
			return parts
		}
		var path string
		path, sentence, _ = strings.Cut(rest, "}")
		parts = append(parts, t.fill(path))
	}
}

func (t *teller) fill(path string) part {
	how, rest, ok := strings.Cut(path, ":")
	if !ok {
		how, rest = "", path
	}
	n := t.root.at(pointerOf(rest))
	if n == nil {
		return part{Words: "(not said)"}
	}
	if how == "who" {
		if name, known := t.names[printText(n.value, "")]; known && n.closed == nil {
			return part{Value: &name}
		}
		how = ""
	}
	p := n.print(t.source, how)
	return part{Value: &p}
}

// sentences tell what a record of a type says. A type that is not here is told
// by its name.
var sentences = map[evidence.Type]func(*teller) string{
	evidence.TypeRunStarted: func(t *teller) string {
		return "{who:initiator/ref} is named as the one this run goes back to. {identity} carries it out, set off by {who:dispatcher/ref}" + t.with(": {trigger}", "trigger") + "."
	},
	evidence.TypeRunEnded: func(t *teller) string { return "{@actor/ref} ended the run: {outcome}." },
	evidence.TypeStepObserved: func(t *teller) string {
		return "{@actor/ref} reported step {step}: {status}" + t.with(", {summary}", "summary") + "."
	},
	evidence.TypeModelCalled: func(t *teller) string { return "{@actor/ref} asked model {model} of {provider}: {status}." },
	evidence.TypeInputReferenced: func(t *teller) string {
		return "{@actor/ref} took in " + t.with("{name}, ", "name") + "document {short:document}: {bytes} bytes of {media_type}" + t.with(", from {origin}", "origin") + "."
	},
	evidence.TypeFieldsExtracted: func(t *teller) string {
		if t.text("readable") == "false" {
			return "{extractor} {version} could not read document {short:document}" + t.with(": {problem}", "problem") + "."
		}
		return "{extractor} {version} read {count:fields} fields out of document {short:document}."
	},
	evidence.TypeCheckResult: func(t *teller) string {
		return "{identity} ran suite {suite} {version}, {count:checks} " + t.checks() + ", on document {short:document}: {outcome}."
	},
	evidence.TypeOperationFailed: func(t *teller) string {
		return "{operation} failed at attempt {attempt}: {code}" + t.with(", {message}", "message") + "."
	},
	evidence.TypeOperationRetried:   func(t *teller) string { return "{operation} was tried again: attempt {attempt}." },
	evidence.TypeOperationRecovered: func(t *teller) string { return "{operation} went well in the end, after {attempts} attempts." },
	evidence.TypeDecisionRouted: func(t *teller) string {
		if t.text("outcome") == "straight-through" {
			return "The rules of the workflow let the case go straight through: no person has to decide."
		}
		return "The rules of the workflow sent the case to {list:to}."
	},
	evidence.TypeAuthorizationDecided: func(t *teller) string { return decided[t.text("verdict")] + t.unblocked() },
	evidence.TypeApprovalRequested: func(t *teller) string {
		return "The gate asked {role} to decide on {tool/server}/{tool/name} until {time:expires}."
	},
	evidence.TypeApprovalViewed:  func(t *teller) string { return "{who:viewer} was given the request to read." },
	evidence.TypeApprovalDecided: func(t *teller) string { return answered[t.text("decision")] + t.reason() },
	evidence.TypeApprovalConsumed: func(t *teller) string {
		return "Approval {short:approval} was spent on action {short:action}, and cannot be used again."
	},
	evidence.TypeActionStarted: func(t *teller) string {
		return "The gate gave leave for one call of {tool/server}/{tool/name} with exactly these arguments, until {time:expires}."
	},
	evidence.TypeActionRedeemed: func(t *teller) string {
		return "{redeemer} took in the permit for {tool/server}/{tool/name} before it acted."
	},
	evidence.TypeActionRefused: func(t *teller) string {
		return "{redeemer} was asked for {tool/server}/{tool/name} without good leave, and did not act: {code}."
	},
	evidence.TypeActionFinished: func(t *teller) string {
		return "{@actor/ref} says what came of it: {status}, attempts {attempts}" + t.with(", {code}", "code") + "."
	},
	evidence.TypeChangeObserved: func(t *teller) string { return "{identity} read entry {entry} back from {target}." },
	evidence.TypeWorkflowActivated: func(t *teller) string {
		return "{who:author} put workflow {name} in force: tier {tier}, mode {mode}, owner {who:owner}."
	},
	evidence.TypeWorkflowRetired: func(t *teller) string { return "{who:author} took workflow {name} out of force." },
	evidence.TypePersonChanged:   func(t *teller) string { return "{who:by} set what {who:person} may do: {list:roles}." },
	evidence.TypeGrantIssued:     func(t *teller) string { return "{who:by} gave {who:holder} the key {grant}." },
	evidence.TypeGrantRevoked:    func(t *teller) string { return "{who:by} ended the key {grant}." },
	evidence.TypeKeyRotated: func(t *teller) string {
		if t.text("purpose") == "log" {
			return "The log took a new key, which the key before vouches for."
		}
		return "The log announced the key that signs {purpose}s of this house."
	},
	evidence.TypeKeyRetired: func(t *teller) string { return "{who:by} retired a key of the log: it signs no later head." },
	evidence.TypeSystemEpoch: func(t *teller) string {
		return "{who:by} gave log {previous_origin} up and began {origin} over the first {kept} records."
	},
	evidence.TypeErasurePerformed: erasureSentence,
	evidence.TypeStopEngaged: func(t *teller) string {
		what := "{who:by} stopped all workflows"
		if t.text("workflow") != "" {
			what = "{who:by} stopped workflow {workflow}"
		}
		return what + ": nothing is allowed until the stop is released."
	},
	evidence.TypeStopReleased: func(t *teller) string {
		if t.text("workflow") != "" {
			return "{who:by} released the stop of workflow {workflow}."
		}
		return "{who:by} released the stop of all workflows."
	},
	evidence.TypeLegalHoldPlaced: func(t *teller) string {
		return "{who:by} placed a legal hold on {scope}" + t.with(" {who:what}", "what") + ": nothing of it is erased until the hold is released."
	},
	evidence.TypeLegalHoldReleased: func(t *teller) string { return "{who:by} released legal hold {short:hold}." },
	evidence.TypePacketBuilt:       func(t *teller) string { return "{who:by} had a packet of run {short:of} built." },
}

func erasureSentence(t *teller) string {
	what := map[string]string{
		"subject":   "{who:by} had what the house kept about {who:subject} erased",
		"run":       "{who:by} had what the house kept of run {short:of} erased",
		"retention": "{who:by} had what was kept of run {short:of} erased when its time was over",
	}[t.text("kind")]
	if what == "" {
		return ""
	}
	return what + ". Keys destroyed: {count:keys}. Records expunged: {count:expunged}. Authority: {authority}."
}

var decided = map[string]string{
	"allow": "The gate allowed {identity} to call {tool/server}/{tool/name}.",
	"hold":  "The gate held {identity}’s call of {tool/server}/{tool/name}: {list:require} must approve it first.",
	"deny":  "The gate denied {identity} the call of {tool/server}/{tool/name}.",
}

var answered = map[string]string{
	"approve": "{who:approver} approved the action.",
	"reject":  "{who:approver} rejected the action.",
	"expired": "Nobody decided in time, which denies the action.",
}

// with adds to a sentence where the fields are open.
func (t *teller) with(words, path string) string {
	if t.text(path) == "" {
		return ""
	}
	return words
}

func (t *teller) checks() string {
	if n := t.root.at("/body/checks"); n != nil && len(n.kids) == 1 {
		return "check"
	}
	return "checks"
}

func (t *teller) unblocked() string {
	if mode := t.text("mode"); mode == "" || mode == "enforce" {
		return ""
	}
	return " Mode {mode} blocks nothing."
}

func (t *teller) reason() string {
	return t.with(" Reason: {reason_code}.", "reason_code") + t.with(" “{comment}”", "comment")
}

// sentence tells what the record says.
func (t *teller) sentence() []part {
	if of, ok := sentences[t.typ]; ok {
		if text := of(t); text != "" {
			return t.say(text)
		}
	}
	return t.say("{@actor/ref} left a record of type {@type}.")
}

// because says why, line by line, where the record's type gives reasons.
func (t *teller) because() (lines [][]part) {
	list, field := "", ""
	switch t.typ {
	case evidence.TypeAuthorizationDecided:
		list, field = "reasons", "text"
		if n := t.root.at("/body/reasons"); n == nil || len(n.kids) == 0 {
			list, field = "policies", "reason"
		}
	case evidence.TypeDecisionRouted:
		return t.matched("rules")
	case evidence.TypeCheckResult:
		return t.unpassed()
	}
	n := t.root.at("/body/" + list)
	if list == "" || n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.at(k.pointer+"/"+field) != nil {
			lines = append(lines, t.say("{"+list+"/"+k.name+"/"+field+"}"))
		}
	}
	return lines
}

// matched tells the rules that sent the case to a person: with the value where
// that is open, else in the words that hide it.
func (t *teller) matched(list string) (lines [][]part) {
	rules := t.root.at(pointerOf(list))
	if rules == nil {
		return nil
	}
	for _, k := range rules.kids {
		rule := list + "/" + k.name + "/"
		if t.text(rule+"matched") == "false" {
			continue
		}
		line := "{" + rule + "rule} version {" + rule + "version}"
		if t.text(rule+"detail") != "" {
			line += ": {" + rule + "detail}"
		} else if t.text(rule+"summary") != "" {
			line += ": {" + rule + "summary}"
		}
		lines = append(lines, t.say(line))
	}
	return lines
}

// unpassed tells the checks that did not pass.
func (t *teller) unpassed() (lines [][]part) {
	checks := t.root.at("/body/checks")
	if checks == nil {
		return nil
	}
	for _, k := range checks.kids {
		check := "checks/" + k.name + "/"
		if out := t.text(check + "outcome"); out != "pass" && out != "not-applicable" {
			lines = append(lines, t.say("{"+check+"check}: {"+check+"outcome}"+t.with(", {"+check+"message}", check+"message")))
		}
	}
	return lines
}
