package en16931

import "github.com/evidencefactory/evf/examples/invoice/ubl"

// parties asks who is registered for tax. The seller's side may be registered
// through its tax representative.
type parties struct{ root *ubl.Element }

func (p parties) sellerVAT() bool { return vatID(p.root, seller) || vatID(p.root, representative) }
func (p parties) buyerVAT() bool  { return vatID(p.root, buyer) }

// sellerTaxed accepts a registration of any tax scheme (BT-31, BT-32, BT-63).
func (p parties) sellerTaxed() bool {
	return has(p.root, seller+"cac:PartyTaxScheme/cbc:CompanyID") || vatID(p.root, representative)
}

func (p parties) reverseCharge() bool {
	return p.sellerTaxed() && (p.buyerVAT() || has(p.root, buyer+"cac:PartyLegalEntity/cbc:CompanyID"))
}

func (p parties) intraCommunity() bool { return p.sellerVAT() && p.buyerVAT() }
func (p parties) noVAT() bool          { return !p.sellerVAT() && !p.buyerVAT() }
