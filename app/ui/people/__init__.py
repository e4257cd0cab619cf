"""The account of a page's visitor, the visitor's data, and what admins see of people."""
