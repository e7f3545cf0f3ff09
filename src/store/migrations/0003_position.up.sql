ALTER TABLE accounts ADD COLUMN position TEXT;
