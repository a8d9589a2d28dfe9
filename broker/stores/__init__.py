"""What outlives one HTTP request.

Two stores. The *transient* one (`transient.TransientStore`) holds what may expire: logins in flight, used message
IDs, citizen sessions; it is a SQLite file (`embedded`) on one machine or Redis (`redis`) for several. Everything
with a meaning is sealed (`sealing`) before it gets there, under names that are hashes (`logins`, `seen`, `values`).
The *durable* one is SQL (`sql`): metadata versions, approvals, audit, key states; a SQLite file or PostgreSQL,
created and changed by `migrate`, and refused when it belongs to another environment or version (`stamp`).
"""
