// Package twin holds servers that behave as providers do, as far as the
// adapters can tell: real HTTP and SMTP on this machine. They keep what they
// were sent, and can be told what to answer next, also what providers answer on
// bad days. Tests use them in place of mocks, and rehearsals in place of
// providers.
package twin
