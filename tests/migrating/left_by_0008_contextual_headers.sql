UPDATE passages SET context = 'About leases of jobs.' WHERE id = '01930000-0000-7000-8000-000000000e01';
