-- The waits Telegram asked the account for, as its node told them: JSON.
ALTER TABLE accounts ADD COLUMN limits TEXT;
