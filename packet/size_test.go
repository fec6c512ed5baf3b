package packet
import ("testing";"os")
func TestSize(t *testing.T){ h:=small(t); d:=h.packet(); t.Log(len(d)); os.WriteFile("/tmp/small.zip",d,0o600); h=told(t); d=h.packet(); t.Log(len(d)); os.WriteFile("/tmp/told.zip",d,0o600); 
 for _,c := range Verify(d,h.trust()).Checks { t.Logf("%s %s %s",c.Outcome,c.Name,c.Detail)}
 for _,s := range Verify(d,h.trust()).Slots { t.Logf("%-14s %-10s %d %s %v",s.Name,s.State,len(s.Records),s.Summary,s.Gaps)}
}
