DROP TABLE script_deployments;
DROP TABLE script_versions;
DROP TABLE scripts;
