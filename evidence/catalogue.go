package evidence

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Type names what a record says, such as action.finished.
type Type string

// The types of record. A type's body is the Go type of the same name.
const (
	TypeRunStarted         Type = "run.started"
	TypeRunEnded           Type = "run.ended"
	TypeStepObserved       Type = "step.observed"
	TypeModelCalled        Type = "model.called"
	TypeInputReferenced    Type = "input.referenced"
	TypeFieldsExtracted    Type = "fields.extracted"
	TypeCheckResult        Type = "check.result"
	TypeOperationFailed    Type = "operation.failed"
	TypeOperationRetried   Type = "operation.retried"
	TypeOperationRecovered Type = "operation.recovered"

	TypeDecisionRouted       Type = "decision.routed"
	TypeAuthorizationDecided Type = "authorization.decided"
	TypeApprovalRequested    Type = "approval.requested"
	TypeApprovalViewed       Type = "approval.viewed"
	TypeApprovalDecided      Type = "approval.decided"
	TypeApprovalConsumed     Type = "approval.consumed"
	TypeActionStarted        Type = "action.started"
	TypeActionRedeemed       Type = "action.redeemed"
	TypeActionRefused        Type = "action.refused"
	TypeActionFinished       Type = "action.finished"
	TypeChangeObserved       Type = "change.observed"

	TypeWorkflowActivated Type = "workflow.activated"
	TypeWorkflowRetired   Type = "workflow.retired"
	TypePersonChanged     Type = "person.changed"
	TypeGrantIssued       Type = "grant.issued"
	TypeGrantRevoked      Type = "grant.revoked"
	TypeKeyRotated        Type = "key.rotated"
	TypeKeyRetired        Type = "key.retired"
	TypeSystemEpoch       Type = "system.epoch"
	TypePacketBuilt       Type = "packet.built"
	TypeErasurePerformed  Type = "erasure.performed"
	TypeStopEngaged       Type = "stop.engaged"
	TypeStopReleased      Type = "stop.released"
	TypeLegalHoldPlaced   Type = "legalhold.placed"
	TypeLegalHoldReleased Type = "legalhold.released"
)

var bodies = map[Type]reflect.Type{
	TypeRunStarted:           reflect.TypeFor[RunStarted](),
	TypeRunEnded:             reflect.TypeFor[RunEnded](),
	TypeStepObserved:         reflect.TypeFor[StepObserved](),
	TypeModelCalled:          reflect.TypeFor[ModelCalled](),
	TypeInputReferenced:      reflect.TypeFor[InputReferenced](),
	TypeFieldsExtracted:      reflect.TypeFor[FieldsExtracted](),
	TypeCheckResult:          reflect.TypeFor[CheckResult](),
	TypeOperationFailed:      reflect.TypeFor[OperationFailed](),
	TypeOperationRetried:     reflect.TypeFor[OperationRetried](),
	TypeOperationRecovered:   reflect.TypeFor[OperationRecovered](),
	TypeDecisionRouted:       reflect.TypeFor[DecisionRouted](),
	TypeAuthorizationDecided: reflect.TypeFor[AuthorizationDecided](),
	TypeApprovalRequested:    reflect.TypeFor[ApprovalRequested](),
	TypeApprovalViewed:       reflect.TypeFor[ApprovalViewed](),
	TypeApprovalDecided:      reflect.TypeFor[ApprovalDecided](),
	TypeApprovalConsumed:     reflect.TypeFor[ApprovalConsumed](),
	TypeActionStarted:        reflect.TypeFor[ActionStarted](),
	TypeActionRedeemed:       reflect.TypeFor[ActionRedeemed](),
	TypeActionRefused:        reflect.TypeFor[ActionRefused](),
	TypeActionFinished:       reflect.TypeFor[ActionFinished](),
	TypeChangeObserved:       reflect.TypeFor[ChangeObserved](),
	TypeWorkflowActivated:    reflect.TypeFor[WorkflowActivated](),
	TypeWorkflowRetired:      reflect.TypeFor[WorkflowRetired](),
	TypePersonChanged:        reflect.TypeFor[PersonChanged](),
	TypeGrantIssued:          reflect.TypeFor[GrantIssued](),
	TypeGrantRevoked:         reflect.TypeFor[GrantRevoked](),
	TypeKeyRotated:           reflect.TypeFor[KeyRotated](),
	TypeKeyRetired:           reflect.TypeFor[KeyRetired](),
	TypeSystemEpoch:          reflect.TypeFor[SystemEpoch](),
	TypePacketBuilt:          reflect.TypeFor[PacketBuilt](),
	TypeErasurePerformed:     reflect.TypeFor[ErasurePerformed](),
	TypeStopEngaged:          reflect.TypeFor[StopEngaged](),
	TypeStopReleased:         reflect.TypeFor[StopReleased](),
	TypeLegalHoldPlaced:      reflect.TypeFor[LegalHoldPlaced](),
	TypeLegalHoldReleased:    reflect.TypeFor[LegalHoldReleased](),
}

var shapes = sync.OnceValue(func() map[Type]*Shape {
	m := make(map[Type]*Shape, len(bodies))
	for t, body := range bodies {
		m[t] = shapeOf(body)
	}
	return m
})

// Shape is what the catalogue knows of the type's body, nil for an unknown
// type.
func (t Type) Shape() *Shape { return shapes()[t] }

// Types lists the catalogue, sorted.
func Types() []Type {
	list := make([]Type, 0, len(bodies))
	for t := range bodies {
		list = append(list, t)
	}
	slices.Sort(list)
	return list
}

// reserved are the families of types that only the house itself writes.
var reserved = strings.Fields(`authorization approval action control population sample packet key grant erasure
	system workflow person deviation alert incident metric anomaly stop breakglass probe legalhold evidence
	config catalogue reconcile run decision.routed`)

// Reserved reports whether only the house itself writes records of this type.
// Runs begin and end, and rules route, through calls of their own.
func (t Type) Reserved() bool {
	family, _, _ := strings.Cut(string(t), ".")
	return slices.Contains(reserved, family) || slices.Contains(reserved, string(t))
}
