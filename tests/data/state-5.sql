BEGIN TRANSACTION;
CREATE TABLE "retention_approval" (
	number INTEGER NOT NULL, 
	"plan" VARCHAR(64) NOT NULL, 
	rule VARCHAR(255) NOT NULL, 
	form VARCHAR(64) NOT NULL, 
	target VARCHAR(64) NOT NULL, 
	schema VARCHAR(64) NOT NULL, 
	"by" VARCHAR(255) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	over_limit BOOLEAN NOT NULL, 
	records INTEGER NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE "retention_batch" (
	run VARCHAR(64) NOT NULL, 
	job VARCHAR(255) NOT NULL, 
	batch INTEGER NOT NULL, 
	connector VARCHAR(255) NOT NULL, 
	count INTEGER NOT NULL, 
	root VARCHAR(64) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	folded BOOLEAN NOT NULL, seq INTEGER, grouped INTEGER, 
	PRIMARY KEY (run, job, batch), 
	FOREIGN KEY(run) REFERENCES "retention_run" (id)
);
INSERT INTO "retention_batch" VALUES('r1','orders/shop/orders',1,'shop',1,'abababababababababababababababababababababababababababababababab','intent','2026-11-25T12:00:00.000000Z',0,NULL,NULL);
CREATE TABLE retention_block (
	number INTEGER NOT NULL, 
	root BLOB NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE "retention_checkpoint" (
	size INTEGER NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	note TEXT NOT NULL, 
	PRIMARY KEY (size)
);
INSERT INTO "retention_checkpoint" VALUES(2,'2026-11-25T12:00:00.000000Z','acme.example/retention
2
8Zbi/mkzQL1mYjSUb0BFuRvhx7foAeGaSKmxhDzyokg=

— acme.example/retention JWksVEj0ZNciwedFoMd09BDUYHrkoz9QxJfEfwHsuefui8dhnA9DgmLk0I4UdyuaRv6YvTJ9yrAZnCUdpQW4EK63xAs=
');
CREATE TABLE "retention_event" (
	seq INTEGER NOT NULL, 
	line BLOB NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "retention_event" VALUES(0,X'7B226174223A22323032362D31312D32355431323A30303A30302E3030303030305A222C2264617461223A7B2272756E223A227231227D2C2270726576223A2230303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030222C22736571223A302C2274797065223A2272756E2E73746172746564227D');
INSERT INTO "retention_event" VALUES(1,X'7B226174223A22323032362D31312D32355431323A30303A30302E3030303030305A222C2264617461223A7B226261746368223A312C2272756E223A227231227D2C2270726576223A2265396562666134626663346261623035313431373165316665366535363861346332363633313064343133666638306563626338633038303262613732363534222C22736571223A312C2274797065223A2262617463682E696E74656E74227D');
CREATE TABLE retention_event_index (
	type VARCHAR(64) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	seq INTEGER NOT NULL, 
	PRIMARY KEY (type, name, seq)
);
INSERT INTO "retention_event_index" VALUES('run.started','r1',0);
CREATE TABLE "retention_evidence" (
	run VARCHAR(64) NOT NULL, 
	job VARCHAR(255) NOT NULL, 
	batch INTEGER NOT NULL, 
	key_id VARCHAR(64) NOT NULL, 
	count INTEGER NOT NULL, 
	leaves BLOB NOT NULL, 
	PRIMARY KEY (run, job, batch), 
	FOREIGN KEY(run, job, batch) REFERENCES "retention_batch" (run, job, batch)
);
INSERT INTO "retention_evidence" VALUES('r1','orders/shop/orders',1,'0123456789abcdef',1,X'0202020202020202020202020202020202020202020202020202020202020202');
CREATE TABLE retention_evidence_bucket (
	bucket INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	entries BLOB NOT NULL, 
	PRIMARY KEY (bucket, number)
);
CREATE TABLE retention_evidence_group (
	number INTEGER NOT NULL, 
	key_id VARCHAR(64) NOT NULL, 
	batches TEXT NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE "retention_head" (
	id INTEGER NOT NULL, 
	size INTEGER NOT NULL, 
	edge BLOB NOT NULL, 
	last_hash VARCHAR(64) NOT NULL, 
	last_at VARCHAR(27), 
	length INTEGER NOT NULL, hold_epoch INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "retention_head" VALUES(1,2,X'0000000000000002F196E2FE693340BD666234946F4045B91BE1C7B7E801E19A48A9B1843CF2A248','fa154b4bb8bb0a0beb7856adaa281d90a311125ed0f43b50495fb3471dd0bd01','2026-11-25T12:00:00.000000Z',331,0);
CREATE TABLE retention_hold (
	number INTEGER NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	dataset VARCHAR(255), 
	"key" TEXT, 
	data VARCHAR(255), 
	rule VARCHAR(255), 
	reason VARCHAR(16) NOT NULL, 
	text TEXT NOT NULL, 
	"by" VARCHAR(255) NOT NULL, 
	behalf TEXT, 
	authority TEXT, 
	ref VARCHAR(255), 
	at VARCHAR(27) NOT NULL, 
	review VARCHAR(10), 
	released VARCHAR(27), 
	why TEXT, 
	PRIMARY KEY (number), 
	UNIQUE (id)
);
CREATE TABLE retention_hold_subject (
	number INTEGER NOT NULL, 
	hold VARCHAR(64) NOT NULL, 
	kind VARCHAR(255) NOT NULL, 
	value TEXT NOT NULL, 
	source TEXT, 
	PRIMARY KEY (number), 
	FOREIGN KEY(hold) REFERENCES retention_hold (id)
);
CREATE TABLE "retention_job" (
	number INTEGER NOT NULL, 
	run VARCHAR(64) NOT NULL, 
	job VARCHAR(255) NOT NULL, 
	rule VARCHAR(255) NOT NULL, 
	connector VARCHAR(255) NOT NULL, 
	dataset VARCHAR(255) NOT NULL, 
	as_of VARCHAR(27) NOT NULL, 
	started VARCHAR(27) NOT NULL, 
	ended VARCHAR(27), 
	status VARCHAR(64) NOT NULL, 
	reason TEXT, 
	cursor TEXT, 
	planned INTEGER NOT NULL, 
	done INTEGER NOT NULL, 
	changed INTEGER NOT NULL, 
	held INTEGER NOT NULL, 
	locked INTEGER NOT NULL, 
	set_aside INTEGER NOT NULL, 
	"left" INTEGER NOT NULL, 
	batches INTEGER NOT NULL, 
	millis INTEGER NOT NULL, 
	rows TEXT NOT NULL, waits TEXT, 
	PRIMARY KEY (number), 
	FOREIGN KEY(run) REFERENCES "retention_run" (id)
);
INSERT INTO "retention_job" VALUES(1,'r1','orders/shop/orders','orders','shop','orders','2026-11-25T12:00:00.000000Z','2026-11-25T12:00:00.000000Z',NULL,'running',NULL,NULL,9,0,0,0,0,0,0,0,0,'{}',NULL);
CREATE TABLE "retention_lease" (
	name VARCHAR(255) NOT NULL, 
	token INTEGER NOT NULL, 
	host VARCHAR(255), 
	boot VARCHAR(255), 
	pid INTEGER, 
	process_start VARCHAR(255), 
	since VARCHAR(27), 
	expires VARCHAR(27), 
	PRIMARY KEY (name)
);
CREATE TABLE "retention_meta" (
	id INTEGER NOT NULL, 
	origin VARCHAR(255) NOT NULL, 
	verifier_key VARCHAR(255) NOT NULL, 
	evidence_key_id VARCHAR(64) NOT NULL, 
	created VARCHAR(27) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "retention_meta" VALUES(1,'acme.example/retention','acme.example/retention+25692c54+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c','0123456789abcdef','2026-11-25T12:00:00.000000Z');
CREATE TABLE retention_notice (
	channel VARCHAR(64) NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	kind VARCHAR(64) NOT NULL, 
	text TEXT NOT NULL, 
	since VARCHAR(27) NOT NULL, 
	number INTEGER NOT NULL, 
	told VARCHAR(27), 
	over VARCHAR(27), 
	attempts INTEGER NOT NULL, 
	again VARCHAR(27), 
	PRIMARY KEY (channel, "key")
);
CREATE TABLE "retention_plan" (
	number INTEGER NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	as_of VARCHAR(27) NOT NULL, 
	created VARCHAR(27) NOT NULL, 
	policy VARCHAR(64) NOT NULL, 
	body TEXT NOT NULL, 
	used_by VARCHAR(64), 
	PRIMARY KEY (number), 
	UNIQUE (id)
);
CREATE TABLE "retention_policy_version" (
	number INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	body TEXT NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE "retention_run" (
	number INTEGER NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	as_of VARCHAR(27) NOT NULL, 
	started VARCHAR(27) NOT NULL, 
	ended VARCHAR(27), 
	status VARCHAR(64) NOT NULL, 
	"by" VARCHAR(255) NOT NULL, 
	"plan" VARCHAR(64), 
	policy VARCHAR(64) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (id)
);
INSERT INTO "retention_run" VALUES(1,'r1','2026-11-25T12:00:00.000000Z','2026-11-25T12:00:00.000000Z',NULL,'running','ida',NULL,'pol','{}');
CREATE TABLE "retention_schema_seen" (
	connector VARCHAR(255) NOT NULL, 
	dataset VARCHAR(255) NOT NULL, 
	fingerprint VARCHAR(64) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	PRIMARY KEY (connector, dataset)
);
CREATE TABLE "retention_set_aside" (
	connector VARCHAR(255) NOT NULL, 
	dataset VARCHAR(255) NOT NULL, 
	key_hash VARCHAR(64) NOT NULL, 
	"key" TEXT NOT NULL, 
	rule VARCHAR(255) NOT NULL, 
	reason TEXT NOT NULL, 
	run VARCHAR(64) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	PRIMARY KEY (connector, dataset, key_hash)
);
CREATE TABLE retention_standing (
	rule VARCHAR(255) NOT NULL, 
	connector VARCHAR(255) NOT NULL, 
	dataset VARCHAR(255) NOT NULL, 
	run VARCHAR(64) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	status VARCHAR(64) NOT NULL, 
	reason TEXT, 
	succeeded VARCHAR(27), 
	failures INTEGER NOT NULL, 
	PRIMARY KEY (rule, connector, dataset)
);
CREATE TABLE retention_stop (
	number INTEGER NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	"by" VARCHAR(255) NOT NULL, 
	behalf TEXT, 
	text TEXT NOT NULL, 
	ref VARCHAR(255), 
	lifted VARCHAR(27), 
	PRIMARY KEY (number)
);
CREATE TABLE retention_telling (
	number INTEGER NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	event VARCHAR(255) NOT NULL, 
	instant VARCHAR(27), 
	day VARCHAR(10), 
	told_at VARCHAR(27) NOT NULL, 
	"by" VARCHAR(255) NOT NULL, 
	behalf TEXT, 
	ref VARCHAR(255), 
	withdrawn VARCHAR(27), 
	PRIMARY KEY (number), 
	UNIQUE (id)
);
CREATE TABLE retention_telling_subject (
	number INTEGER NOT NULL, 
	telling VARCHAR(64) NOT NULL, 
	kind VARCHAR(255) NOT NULL, 
	value TEXT NOT NULL, 
	source TEXT, 
	PRIMARY KEY (number), 
	FOREIGN KEY(telling) REFERENCES retention_telling (id)
);
CREATE TABLE retention_turn (
	rule VARCHAR(255) NOT NULL, 
	schedule VARCHAR(255) NOT NULL, 
	timezone VARCHAR(255) NOT NULL, 
	slot VARCHAR(27) NOT NULL, 
	ended BOOLEAN NOT NULL, 
	attempts INTEGER NOT NULL, 
	again VARCHAR(27), 
	connectors TEXT, 
	PRIMARY KEY (rule)
);
CREATE TABLE schema_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT schema_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "schema_version" VALUES('0005');
CREATE INDEX retention_approval_form ON retention_approval (rule, form);
CREATE INDEX retention_approval_plan ON retention_approval ("plan");
CREATE INDEX retention_job_last ON retention_job (rule, connector, dataset);
CREATE UNIQUE INDEX retention_job_of ON retention_job (run, job);
CREATE INDEX retention_batch_status ON retention_batch (status, connector);
CREATE INDEX retention_hold_released ON retention_hold (released);
CREATE INDEX retention_hold_subject_of ON retention_hold_subject (hold);
CREATE INDEX retention_telling_digest ON retention_telling (digest);
CREATE INDEX retention_telling_withdrawn ON retention_telling (withdrawn);
CREATE INDEX retention_telling_subject_of ON retention_telling_subject (telling);
CREATE INDEX retention_stop_lifted ON retention_stop (lifted);
CREATE INDEX retention_batch_grouped ON retention_batch (grouped, status);
COMMIT;
