INSERT INTO users (id, email, password_hash, name, role) VALUES
    ('01930000-0000-7000-8000-00000000000a', 'ada@example.com', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaA', 'Ada', 'admin'),
    ('01930000-0000-7000-8000-00000000000b', 'bob@example.com', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaA', NULL, 'member');
