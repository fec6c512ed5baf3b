package main

import (
	"fmt"
	"os"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/packet"
)

type packetProofCmd struct {
	Packet     string  `arg:"" help:"The packet; - for standard input." type:"path"`
	Seq        *uint64 `help:"The record's place in the log." xor:"which" required:"" placeholder:"N"`
	Record     string  `help:"The record's id." xor:"which" required:"" placeholder:"ID"`
	Out        string  `short:"o" help:"File for the proof; standard output where absent." placeholder:"FILE" type:"path"`
	SaveLeaf   string  `help:"File for the leaf too: the entry that the proof is about." placeholder:"FILE" type:"path"`
	SaveRecord string  `help:"File for the record too: what the leaf seals." placeholder:"FILE" type:"path"`
}

func (c *packetProofCmd) Run(std streams) error {
	data, err := readFile(std, c.Packet, packet.MaxSize)
	if err != nil {
		return err
	}
	p, err := packet.Open(data)
	if err != nil {
		return err
	}
	// Whom to trust is for the proof's reader to say. All else must hold.
	for _, check := range p.Verify(packet.Trust{}).Checks {
		if check.Outcome == packet.Failed {
			return fmt.Errorf("%s: no proof is taken out of an invalid packet: %s: %s", c.Packet, check.Name, check.Detail)
		}
	}
	sealed, err := c.find(p)
	if err != nil {
		return err
	}
	for path, data := range map[string][]byte{c.SaveLeaf: sealed.Leaf, c.SaveRecord: sealed.Record} {
		if path == "" {
			continue
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
	}
	if c.Out == "" {
		_, err = std.out.Write(p.TlogProof(sealed))
		return err
	}
	return os.WriteFile(c.Out, p.TlogProof(sealed), 0o600)
}

// find is the record that was asked for.
func (c *packetProofCmd) find(p *packet.Packet) (packet.Sealed, error) {
	for s, err := range p.Sealed() {
		if err != nil {
			return s, err
		}
		leaf, err := evidence.ParseLeaf(s.Leaf)
		if err != nil {
			return s, err
		}
		if c.Seq != nil && leaf.Seq == *c.Seq || c.Record != "" && string(leaf.ID) == c.Record {
			return s, nil
		}
	}
	return packet.Sealed{}, fmt.Errorf("%s holds no such record", c.Packet)
}
