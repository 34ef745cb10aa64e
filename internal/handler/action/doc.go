// Package action is the page behind the signed link that an on-call engineer
// gets with a draft. It is made for one hand at three in the morning: first what
// customers will read and the button that sends it, then what happens if nobody
// does anything, then everything else.
//
// The token in the path is all it takes: it names the draft and the member, and
// nothing has to be logged in to. Reading never changes anything, so a mail
// scanner that follows the link does no harm; every change is a form that is
// posted from this page.
//
// What the page says of an outage it gets from package announce, and it decides
// nothing about it.
package action
