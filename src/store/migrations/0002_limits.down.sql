ALTER TABLE accounts DROP COLUMN limits;
